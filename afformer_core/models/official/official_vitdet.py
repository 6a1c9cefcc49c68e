# SPDX-License-Identifier: Apache-2.0
"""Importer of the authors' checkpoint of the ViTDet-B model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from afformer_core.models.afformer import Afformer
from afformer_core.models.backbones.vitdet import PATCH
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.official.official_heads import draws_each_action
from afformer_core.models.presets import released_vitdet_b
from afformer_core.models.pretrained.checkpoint_file import CheckpointError, tensor_of
from afformer_core.models.pretrained.strict_loading import load_strictly
from afformer_core.models.pretrained.vitdet_weights import fitted

# Prefix of tensors that only the ViTDet-B model has.
OWN_BLOCKS = 'encoder.image_blocks.'
_BODY = 'encoder.backbone_with_fpn.body.'
# Prefixes of the authors' names and of ours; the first match is used.
_NAMES = (
    ('encoder.shared_blocks.', f'{_BODY}blocks.'),
    ('encoder.', _BODY),
    (f'{OWN_BLOCKS}0.', 'encoder.image_block.'),
    ('encoder.video_blocks.0.', 'encoder.video_block.'),
    ('decoder.v3d.', 'encoder.backbone_with_fpn.fpn.v3d.'),
)


def import_official_vitdet(
    tensors: Mapping[str, Tensor], action_names: tuple[str, ...]
) -> Afformer:
    """Build the ViTDet-B model of a `state_dict` (see `import_official`).

    Relative positions of the backbone are resampled to the grid of the decoder, like detectron2
    does for images of other sizes.
    """
    model = Afformer(_configuration(tensors, action_names)).eval()
    own = {_theirs(name): tensor for name, tensor in model.state_dict().items()}
    fitting = {
        name: fitted(name, tensor, own[name]) if name in own else tensor
        for name, tensor in tensors.items()
    }
    load_strictly(model, fitting, 'the ViTDet-B model', _theirs)
    return model


def _theirs(name: str) -> str:
    for official, own in _NAMES:
        if name.startswith(own):
            return official + name.removeprefix(own)
    return name


def _configuration(
    tensors: Mapping[str, Tensor], action_names: tuple[str, ...]
) -> AfformerConfiguration:
    attention = 'decoder.cross_block_3d.attn'
    rows = tensor_of(tensors, f'{attention}.rel_pos_h')
    columns = tensor_of(tensors, f'{attention}.rel_pos_w')
    frames = tensor_of(tensors, f'{attention}.rel_pos_t')
    heatmap_per_action = draws_each_action(tensors, len(action_names))
    try:
        return replace(
            released_vitdet_b(action_names),
            maximum_frames=(len(frames) + 1) // 2,
            input_size=(PATCH * (len(rows) + 1) // 2, PATCH * (len(columns) + 1) // 2),
            heatmap_per_action=heatmap_per_action,
        )
    except ValueError as error:
        raise CheckpointError(
            f"the checkpoint is not of the ViTDet-B model: {error}. Give the authors' checkpoint "
            'of that model'
        ) from error
