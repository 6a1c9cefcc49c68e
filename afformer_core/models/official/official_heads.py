# SPDX-License-Identifier: Apache-2.0
"""Number of heatmaps of the authors' checkpoints: a single one, or one for each action."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from afformer_core.models.pretrained.checkpoint_file import CheckpointError, tensor_of


def draws_each_action(tensors: Mapping[str, Tensor], actions: int) -> bool:
    """Whether there is a heatmap for each action, or a single one.

    Raises:
        CheckpointError: there are neither one nor as many as actions.
    """
    heatmaps = int(tensor_of(tensors, 'predictor.upsampler.3.weight').shape[1])
    if heatmaps not in (1, actions):
        raise CheckpointError(
            f'the checkpoint draws {heatmaps} heatmaps for {actions} actions; it must draw a '
            'single one or one for each'
        )
    return heatmaps > 1
