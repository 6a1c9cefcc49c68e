# SPDX-License-Identifier: Apache-2.0
"""Importer of the authors' checkpoint of the ResNet-50 model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from afformer_core.models.afformer import Afformer
from afformer_core.models.backbones.encoder import Encoder
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.official.official_heads import draws_each_action
from afformer_core.models.presets import afformer_r50
from afformer_core.models.pretrained.checkpoint_file import CheckpointError, tensor_of
from afformer_core.models.pretrained.strict_loading import load_strictly

# Output of the pyramid's coarsest level, which the model does not use.
_UNREAD = 'encoder.backbone_with_fpn.fpn.layer_blocks.3.'
# Means and standard deviations of colours, by their names in the authors' encoder and in ours.
_COLOURS = {'encoder.image_mean': 'mean', 'encoder.image_std': 'std'}
# Above the rounding of half precision, below that of an 8-bit colour.
_ROUNDING = 1e-3


def import_official_r50(tensors: Mapping[str, Tensor], action_names: tuple[str, ...]) -> Afformer:
    """Build the ResNet-50 model of a `state_dict` (see `import_official`).

    The checkpoint's means and standard deviations of colours are compared with the encoder's. The
    tensors of the pyramid's coarsest output, which is not used, are left out.
    """
    read = {
        name: tensor
        for name, tensor in tensors.items()
        if not name.startswith(_UNREAD) and name not in _COLOURS
    }
    model = Afformer(_configuration(read, action_names)).eval()
    load_strictly(model, read, 'the ResNet-50 model')
    _require_same_colours(tensors, model.encoder)
    return model


def _require_same_colours(tensors: Mapping[str, Tensor], encoder: Encoder) -> None:
    """Check that the normalisation of a checkpoint, if it has one, matches the encoder's.

    Raises:
        CheckpointError: the normalisations differ.
    """
    for name, own in _COLOURS.items():
        expected = getattr(encoder, own).flatten()
        found = tensors.get(name, expected).flatten()
        same = found.shape == expected.shape and torch.allclose(
            found, expected, rtol=_ROUNDING, atol=0
        )
        if not same:
            raise CheckpointError(
                f'{name} of the checkpoint is {_listed(found)}; expected {_listed(expected)}, by '
                'which the ResNet-50 model normalises images. Give a checkpoint that was trained '
                'with these values'
            )


def _listed(numbers: Tensor) -> str:
    return ', '.join(f'{number:g}' for number in numbers[:3].tolist())


def _configuration(
    tensors: Mapping[str, Tensor], action_names: tuple[str, ...]
) -> AfformerConfiguration:
    block = 'decoder.self2d_cross3d_block'
    rows = tensor_of(tensors, f'{block}.self_attn.rel_pos_h')
    columns = tensor_of(tensors, f'{block}.self_attn.rel_pos_w')
    frames = tensor_of(tensors, f'{block}.cross_attn.rel_pos_t')
    heatmap_per_action = draws_each_action(tensors, len(action_names))
    try:
        return replace(
            afformer_r50(action_names),
            channels=int(tensor_of(tensors, 'decoder.image_level_embeds.0').shape[0]),
            head_channels=int(rows.shape[1]),
            maximum_frames=(len(frames) + 1) // 2,
            input_size=(2 * (len(rows) + 1), 2 * (len(columns) + 1)),
            heatmap_per_action=heatmap_per_action,
        )
    except ValueError as error:
        raise CheckpointError(
            f"the checkpoint is not of the ResNet-50 model: {error}. Give the authors' checkpoint "
            'of that model'
        ) from error
