# SPDX-License-Identifier: Apache-2.0
"""Losses of heatmaps and actions."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def heatmap_divergence(logits: Tensor, targets: Tensor) -> Tensor:
    """Kullback-Leibler divergence of predicted heatmaps from true ones (paper, equation 11).

    Args:
        logits: [B, H, W] before the softmax over the pixels.
        targets: [B, H, W] probabilities, each of sum 1.

    Returns:
        the mean over the batch, in nats.
    """
    predicted = logits.flatten(1).float().log_softmax(dim=1)
    return functional.kl_div(predicted, targets.flatten(1), reduction='batchmean')


def action_cross_entropy(logits: Tensor, actions: Tensor) -> Tensor:
    """Cross-entropy of action logits [B, A] with action indices [B] (paper, section 3.2)."""
    return functional.cross_entropy(logits.float(), actions)
