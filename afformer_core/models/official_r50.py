# SPDX-License-Identifier: Apache-2.0
"""The authors' checkpoint of the ResNet-50 model, under its own names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from afformer_core.models.afformer import Afformer
from afformer_core.models.checkpoint_file import CheckpointError, tensor_of
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.official_heads import draws_each_action
from afformer_core.models.presets import afformer_r50
from afformer_core.models.strict_loading import load_strictly

# The pyramid's coarsest output, which no part of the model reads.
_UNREAD = 'encoder.backbone_with_fpn.fpn.layer_blocks.3.'


def import_official_r50(tensors: Mapping[str, Tensor], action_names: tuple[str, ...]) -> Afformer:
    """See `import_official`.

    Tensors of the pyramid's coarsest output, which the released model computes and does not read,
    are left out.
    """
    read = {name: tensor for name, tensor in tensors.items() if not name.startswith(_UNREAD)}
    model = Afformer(_configuration(read, action_names)).eval()
    load_strictly(model, read, 'the ResNet-50 model')
    return model


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
        raise CheckpointError(f'the checkpoint is of no ResNet-50 model: {error}') from error
