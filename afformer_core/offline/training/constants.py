# SPDX-License-Identifier: Apache-2.0
"""Frozen parameters: biases that a softmax cancels, and statistics of batch norms.

The gradients of these biases are zero except for rounding errors, which AdamW would amplify to
full steps. Two trainings that differ only in rounding would diverge.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from afformer_core.models.afformer import Afformer
from afformer_core.models.decoders.predictor import Predictor
from afformer_core.models.layers.attention import CrossAttention3d, SelfAttention2d


def freeze_softmax_invariant_biases(model: Afformer) -> None:
    """Freeze, in place, the last bias of the heatmaps and the biases of keys.

    The former adds a constant to every pixel of a heatmap, the latter to all scores of a query.
    """
    if isinstance(model.predictor, Predictor):
        model.predictor.upsampler[-1].bias.requires_grad_(False)
    for module in model.modules():
        if isinstance(module, CrossAttention3d):
            module.k_proj.bias.requires_grad_(False)
        elif isinstance(module, SelfAttention2d) and module.qkv.bias.requires_grad:
            module.qkv.bias.register_hook(_without_keys)


def _without_keys(gradient: Tensor) -> Tensor:
    """Zero the keys' part of the gradient of the biases of queries, keys and values."""
    queries, keys, values = gradient.chunk(3)
    return torch.cat((queries, torch.zeros_like(keys), values))


def keep_statistics(module: nn.Module) -> None:
    """Make all batch norms, in place, normalise with their pretrained statistics."""
    for submodule in module.modules():
        if isinstance(submodule, nn.BatchNorm2d):
            submodule.eval()
