# SPDX-License-Identifier: Apache-2.0
"""The authors' checkpoints: Lightning files of the ResNet-50 model, under their own names."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from afformer_core.errors import AfformerError
from afformer_core.models.afformer import Afformer
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.presets import afformer_r50

_PREFIX = 'network.'
# The pyramid's coarsest output, which no part of the model reads.
_UNREAD = 'encoder.backbone_with_fpn.fpn.layer_blocks.3.'
_SHOWN = 8


class CheckpointError(AfformerError):
    """A file is not a checkpoint of a model that can be imported."""


def read_lightning_checkpoint(path: Path) -> Mapping[str, Any]:
    """What a Lightning checkpoint holds; code in it is never run.

    Raises:
        CheckpointError: it is missing, damaged, holds more than tensors and plain values, or has
            no `state_dict` of tensors.
    """
    try:
        content = torch.load(path, map_location='cpu', weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(f'there is no checkpoint {path}') from error
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f'{path} holds more than tensors and plain values, and loading it could run any code; '
            "save its 'state_dict' alone with torch.save, where you trust it, and import that "
            f'({str(error).splitlines()[0]})'
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError) as error:
        raise CheckpointError(f'{path} is damaged or no checkpoint: {error}') from error
    if isinstance(content, Mapping) and 'state_dict' not in content:
        content = {'state_dict': content}
    state = content.get('state_dict') if isinstance(content, Mapping) else None
    if not (isinstance(state, Mapping) and state):
        raise CheckpointError(f"{path} has no 'state_dict'; give a checkpoint of Lightning's")
    if not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise CheckpointError(f"the 'state_dict' of {path} holds other things than tensors")
    return content


def import_official_r50(state: Mapping[str, Tensor], action_names: Sequence[str]) -> Afformer:
    """The model of a `state_dict` of the authors' ResNet-50 model.

    Sizes are read off the tensors. Every tensor is used, but for those of the pyramid's coarsest
    output, which the released model computes and does not read; and every parameter is filled.

    Args:
        state: tensors by official name, with or without the prefix `network.`.
        action_names: in the order of the heads' outputs.

    Returns:
        the model in fp32 and evaluation mode.

    Raises:
        CheckpointError: tensors are missing, unknown, of another shape or not finite; up to eight
            of each are named.
    """
    tensors = {
        name.removeprefix(_PREFIX): tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in state.items()
        if not name.removeprefix(_PREFIX).startswith(_UNREAD)
    }
    model = Afformer(_configuration(tensors, tuple(action_names))).eval()
    wanted = model.state_dict()
    problems = [
        *_named('missing', sorted(wanted.keys() - tensors.keys())),
        *_named('unknown', sorted(tensors.keys() - wanted.keys())),
        *_named(
            'of another shape',
            [
                f'{name} {tuple(tensors[name].shape)} instead of {tuple(wanted[name].shape)}'
                for name in sorted(wanted.keys() & tensors.keys())
                if tensors[name].shape != wanted[name].shape
            ],
        ),
        *_named(
            'not finite',
            [name for name, tensor in tensors.items() if not bool(torch.isfinite(tensor).all())],
        ),
    ]
    if problems:
        raise CheckpointError(
            f'the checkpoint does not fit the ResNet-50 model: {"; ".join(problems)}'
        )
    model.load_state_dict(tensors)
    return model.requires_grad_(False)


def count_actions(state: Mapping[str, Tensor]) -> int:
    """How many actions the heads of a checkpoint score.

    Raises:
        CheckpointError: it has no such head.
    """
    tensors = {name.removeprefix(_PREFIX): tensor for name, tensor in state.items()}
    return int(_tensor(tensors, 'predictor.actioner.5.weight').shape[0])


def _configuration(
    tensors: Mapping[str, Tensor], action_names: tuple[str, ...]
) -> AfformerConfiguration:
    block = 'decoder.self2d_cross3d_block'
    rows = _tensor(tensors, f'{block}.self_attn.rel_pos_h')
    columns = _tensor(tensors, f'{block}.self_attn.rel_pos_w')
    frames = _tensor(tensors, f'{block}.cross_attn.rel_pos_t')
    heatmaps = int(_tensor(tensors, 'predictor.upsampler.3.weight').shape[1])
    if heatmaps not in (1, len(action_names)):
        raise CheckpointError(
            f'the checkpoint draws {heatmaps} heatmaps for {len(action_names)} actions; it must '
            'draw a single one or one for each'
        )
    try:
        return replace(
            afformer_r50(action_names),
            channels=int(_tensor(tensors, 'decoder.image_level_embeds.0').shape[0]),
            head_channels=int(rows.shape[1]),
            maximum_frames=(len(frames) + 1) // 2,
            input_size=(2 * (len(rows) + 1), 2 * (len(columns) + 1)),
            heatmap_per_action=heatmaps > 1,
        )
    except ValueError as error:
        raise CheckpointError(f'the checkpoint is of no ResNet-50 model: {error}') from error


def _tensor(tensors: Mapping[str, Tensor], name: str) -> Tensor:
    if name not in tensors or tensors[name].ndim == 0:
        raise CheckpointError(
            f'the checkpoint has no {name}; it is not of the ResNet-50 model, or has other heads'
        )
    return tensors[name]


def _named(problem: str, names: Sequence[str]) -> list[str]:
    more = f' and {len(names) - _SHOWN} more' if len(names) > _SHOWN else ''
    return [f'{problem}: {", ".join(names[:_SHOWN])}{more}'] if names else []
