# SPDX-License-Identifier: Apache-2.0
"""An importer of the authors' checkpoints of the ResNet-50 and the ViTDet-B model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from afformer_core.models.afformer import Afformer
from afformer_core.models.official.official_r50 import import_official_r50
from afformer_core.models.official.official_vitdet import OWN_BLOCKS, import_official_vitdet
from afformer_core.models.pretrained.checkpoint_file import tensor_of

_PREFIX = 'network.'


def import_official(state: Mapping[str, Tensor], action_names: Sequence[str]) -> Afformer:
    """Build the model of a `state_dict` of the authors.

    Sizes are inferred from the tensors. Every tensor is used, and every parameter is filled.

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
    vitdet = any(name.startswith(OWN_BLOCKS) for name in tensors)
    read = import_official_vitdet if vitdet else import_official_r50
    return read(tensors, tuple(action_names)).requires_grad_(False)


def count_actions(state: Mapping[str, Tensor]) -> int:
    """Count the actions that the heads of a checkpoint score.

    Raises:
        CheckpointError: it has no such head.
    """
    return int(tensor_of(_bare(state), 'predictor.actioner.5.weight').shape[0])


def _bare(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(_PREFIX): tensor for name, tensor in state.items()}
