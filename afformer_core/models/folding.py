# SPDX-License-Identifier: Apache-2.0
"""Folds frozen batch norms into the convolutions before them; the outputs stay the same."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights
from torchvision.ops import FrozenBatchNorm2d


def fold_frozen_batch_norms(module: nn.Module) -> None:
    """Fold, in place, every FrozenBatchNorm2d that follows a Conv2d among a module's children.

    In a ResNet and in a pyramid, children stand in the order in which they run, each norm behind
    its own convolution.
    """
    previous: tuple[str, nn.Module] | None = None
    for name, child in list(module.named_children()):
        if isinstance(child, FrozenBatchNorm2d) and previous is not None:
            convolution = previous[1]
            if isinstance(convolution, nn.Conv2d):
                setattr(module, previous[0], _fold(convolution, child))
                setattr(module, name, nn.Identity())
        else:
            fold_frozen_batch_norms(child)
        previous = (name, child)


def _fold(convolution: nn.Conv2d, norm: FrozenBatchNorm2d) -> nn.Conv2d:
    weight, bias = fuse_conv_bn_weights(
        convolution.weight,
        convolution.bias,
        norm.running_mean,
        norm.running_var,
        norm.eps,
        norm.weight,
        norm.bias,
    )
    folded = nn.Conv2d(
        convolution.in_channels,
        convolution.out_channels,
        convolution.kernel_size,  # type: ignore[arg-type]
        convolution.stride,  # type: ignore[arg-type]
        convolution.padding,  # type: ignore[arg-type]
        convolution.dilation,  # type: ignore[arg-type]
        convolution.groups,
    )
    with torch.no_grad():
        folded.weight.copy_(weight)
        assert folded.bias is not None
        folded.bias.copy_(bias)
    return folded.requires_grad_(False)
