# SPDX-License-Identifier: Apache-2.0
"""An importer of the authors' checkpoints of the ResNet-50 and the ViTDet-B model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from afformer_core.models.afformer import Afformer
from afformer_core.models.backbones.vitdet import PATCH
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.presets import afformer_r50, released_vitdet_b
from afformer_core.models.pretrained.checkpoint_file import (
    CheckpointError,
    load_strictly,
    tensor_of,
)
from afformer_core.models.pretrained.vitdet_weights import fitted

_PREFIX = 'network.'
# Prefix of tensors that only the ViTDet-B model has.
_OWN_BLOCKS = 'encoder.image_blocks.'
# Output of the ResNet-50 pyramid's coarsest level, which the model does not use.
_UNREAD = 'encoder.backbone_with_fpn.fpn.layer_blocks.3.'
# Means and standard deviations of colours, by their names in the authors' encoder and in ours.
_COLOURS = {'encoder.image_mean': 'mean', 'encoder.image_std': 'std'}
# Above the rounding of half precision, below that of an 8-bit colour.
_ROUNDING = 1e-3
_BODY = 'encoder.backbone_with_fpn.body.'
# Prefixes of the authors' names and of ours in the ViTDet-B model; the first match is used.
_VITDET_NAMES = (
    ('encoder.shared_blocks.', f'{_BODY}blocks.'),
    ('encoder.', _BODY),
    (f'{_OWN_BLOCKS}0.', 'encoder.image_block.'),
    ('encoder.video_blocks.0.', 'encoder.video_block.'),
    ('decoder.v3d.', 'encoder.backbone_with_fpn.fpn.v3d.'),
)


def import_official(state: Mapping[str, Tensor], action_names: Sequence[str]) -> Afformer:
    """Build the model of a `state_dict` of the authors.

    Sizes are inferred from the tensors. Every tensor is used, and every parameter is filled,
    except that the means and standard deviations of colours are compared with the encoder's, and
    that the unused output of the pyramid's coarsest level is left out. Relative positions of a
    ViTDet-B are resampled to the grid of the decoder, like detectron2 does for images of other
    sizes.

    Args:
        state: tensors by official name, with or without the prefix `network.`.
        action_names: names in the order of the heads' outputs.

    Returns:
        the model in fp32 and evaluation mode.

    Raises:
        CheckpointError: tensors are missing, unknown, of another shape or not finite; up to eight
            of each are named.
    """
    tensors = {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in _bare(state).items()
    }
    vitdet = any(name.startswith(_OWN_BLOCKS) for name in tensors)
    configured = _vitdet_configuration if vitdet else _r50_configuration
    title = 'the ViTDet-B model' if vitdet else 'the ResNet-50 model'
    try:
        configuration = configured(tensors, tuple(action_names))
    except ValueError as error:
        raise CheckpointError(
            f"the checkpoint is not of {title}: {error}. Give the authors' checkpoint of it"
        ) from error
    model = Afformer(configuration).eval()
    colours: dict[str, Tensor] = {}
    if vitdet:
        own = {_vitdet_name(name): tensor for name, tensor in model.state_dict().items()}
        for name in tensors.keys() & own.keys():
            tensors[name] = fitted(name, tensors[name], own[name])
    else:
        colours = {name: tensors.pop(name) for name in _COLOURS if name in tensors}
        tensors = {name: x for name, x in tensors.items() if not name.startswith(_UNREAD)}
    load_strictly(model, tensors, title, _vitdet_name if vitdet else str)
    for name, found in colours.items():
        _require_same(name, found.flatten(), getattr(model.encoder, _COLOURS[name]).flatten())
    return model.requires_grad_(False)


def count_actions(state: Mapping[str, Tensor]) -> int:
    """Count the actions that the heads of a checkpoint score.

    Raises:
        CheckpointError: it has no such head.
    """
    return int(tensor_of(_bare(state), 'predictor.actioner.5.weight').shape[0])


def _bare(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(_PREFIX): tensor for name, tensor in state.items()}


def _vitdet_name(name: str) -> str:
    for official, own in _VITDET_NAMES:
        if name.startswith(own):
            return official + name.removeprefix(own)
    return name


def _r50_configuration(
    tensors: Mapping[str, Tensor], action_names: tuple[str, ...]
) -> AfformerConfiguration:
    block = 'decoder.self2d_cross3d_block'
    rows = tensor_of(tensors, f'{block}.self_attn.rel_pos_h')
    columns = tensor_of(tensors, f'{block}.self_attn.rel_pos_w')
    return replace(
        afformer_r50(action_names),
        channels=int(tensor_of(tensors, 'decoder.image_level_embeds.0').shape[0]),
        head_channels=int(rows.shape[1]),
        maximum_frames=(len(tensor_of(tensors, f'{block}.cross_attn.rel_pos_t')) + 1) // 2,
        input_size=(2 * (len(rows) + 1), 2 * (len(columns) + 1)),
        heatmap_per_action=_draws_each_action(tensors, len(action_names)),
    )


def _vitdet_configuration(
    tensors: Mapping[str, Tensor], action_names: tuple[str, ...]
) -> AfformerConfiguration:
    attention = 'decoder.cross_block_3d.attn'
    rows = tensor_of(tensors, f'{attention}.rel_pos_h')
    columns = tensor_of(tensors, f'{attention}.rel_pos_w')
    return replace(
        released_vitdet_b(action_names),
        maximum_frames=(len(tensor_of(tensors, f'{attention}.rel_pos_t')) + 1) // 2,
        input_size=(PATCH * (len(rows) + 1) // 2, PATCH * (len(columns) + 1) // 2),
        heatmap_per_action=_draws_each_action(tensors, len(action_names)),
    )


def _draws_each_action(tensors: Mapping[str, Tensor], actions: int) -> bool:
    """Check whether a checkpoint has a heatmap for each action, rather than a single one."""
    heatmaps = int(tensor_of(tensors, 'predictor.upsampler.3.weight').shape[1])
    if heatmaps not in (1, actions):
        raise CheckpointError(
            f'the checkpoint draws {heatmaps} heatmaps for {actions} actions; expected a single '
            'heatmap, or one for each action. Give all action names in the order of its heads'
        )
    return heatmaps > 1


def _require_same(name: str, found: Tensor, expected: Tensor) -> None:
    """Check that the normalisation of a checkpoint matches the encoder's."""
    same = found.shape == expected.shape
    if not (same and torch.allclose(found, expected, rtol=_ROUNDING, atol=0)):
        told, ours = (', '.join(f'{x:g}' for x in y[:3].tolist()) for y in (found, expected))
        raise CheckpointError(
            f'{name} of the checkpoint is {told}; expected {ours}, by which the ResNet-50 model '
            'normalises images. Give a checkpoint that was trained with these values'
        )
