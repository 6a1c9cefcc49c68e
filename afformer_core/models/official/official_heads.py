# SPDX-License-Identifier: Apache-2.0
"""Number of heatmaps of the authors' checkpoints: a single one, or one for each action."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from afformer_core.models.pretrained.checkpoint_file import CheckpointError, tensor_of


def draws_each_action(tensors: Mapping[str, Tensor], actions: int) -> bool:
    """Check whether a checkpoint has a heatmap for each action, rather than a single one.

    Raises:
        CheckpointError: the number of heatmaps is neither 1 nor the number of actions.
    """
    heatmaps = int(tensor_of(tensors, 'predictor.upsampler.3.weight').shape[1])
    if heatmaps not in (1, actions):
        raise CheckpointError(
            f'the checkpoint draws {heatmaps} heatmaps for {actions} actions; expected a single '
            'heatmap, or one for each action. Give all action names in the order of its heads'
        )
    return heatmaps > 1
