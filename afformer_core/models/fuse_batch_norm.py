# SPDX-License-Identifier: Apache-2.0
"""Fusion of batch norms into the preceding convolutions, with the same outputs."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights
from torchvision.ops import FrozenBatchNorm2d


def fold_batch_norms(module: nn.Module) -> None:
    """Fuse, in place, every batch norm that follows a Conv2d among a module's children.

    In a ResNet, an EfficientNet and a pyramid, children are listed in the order in which they run,
    each norm after its own convolution. A norm that includes an activation leaves the activation
    behind.

    Args:
        module: a module in evaluation mode.
    """
    convolution: tuple[str, nn.Conv2d] | None = None
    for name, child in list(module.named_children()):
        if isinstance(child, nn.Conv2d):
            convolution = name, child
        elif isinstance(child, FrozenBatchNorm2d | nn.BatchNorm2d):
            if convolution is not None:
                setattr(module, convolution[0], _fold(convolution[1], child))
                setattr(module, name, getattr(child, 'act', nn.Identity()))
            convolution = None
        else:
            fold_batch_norms(child)
            convolution = None


def _fold(convolution: nn.Conv2d, norm: FrozenBatchNorm2d | nn.BatchNorm2d) -> nn.Conv2d:
    mean, variance = norm.running_mean, norm.running_var
    assert isinstance(mean, Tensor)
    assert isinstance(variance, Tensor)
    with torch.no_grad():
        weight, bias = fuse_conv_bn_weights(
            convolution.weight, convolution.bias, mean, variance, norm.eps, norm.weight, norm.bias
        )
    # A copy preserves the class, because some convolutions implement their own padding.
    folded = copy.copy(convolution)
    folded._parameters = {'weight': weight, 'bias': bias}
    return folded.requires_grad_(False)
