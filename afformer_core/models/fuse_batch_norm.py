# SPDX-License-Identifier: Apache-2.0
"""Fusion of batch norms into the preceding convolutions, with the same outputs."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights
from torchvision.ops import FrozenBatchNorm2d


@dataclass(frozen=True)
class FollowingNorm:
    """A batch norm that follows a Conv2d among the children of a module.

    Attributes:
        parent: the module.
        path: its name in the network, with a dot at its end, or empty for the network itself.
        convolution, norm: names of the children.
    """

    parent: nn.Module
    path: str
    convolution: str
    norm: str

    def folded(self) -> nn.Conv2d:
        """Build the convolution with the norm folded in."""
        return _fold(getattr(self.parent, self.convolution), getattr(self.parent, self.norm))


def following_norms(module: nn.Module, path: str = '') -> Iterator[FollowingNorm]:
    """Yield every batch norm that follows a Conv2d among the children of a module.

    In a ResNet, an EfficientNet and a pyramid, children are listed in the order in which they run,
    each norm after its own convolution.
    """
    convolution = None
    for name, child in module.named_children():
        if isinstance(child, FrozenBatchNorm2d | nn.BatchNorm2d) and convolution is not None:
            yield FollowingNorm(module, path, convolution, name)
        else:
            yield from following_norms(child, f'{path}{name}.')
        convolution = name if isinstance(child, nn.Conv2d) else None


def fold_batch_norms(module: nn.Module) -> None:
    """Fuse the `following_norms` of a module into their convolutions, in place.

    A norm that includes an activation leaves the activation behind.

    Args:
        module: a module in evaluation mode.
    """
    for norm in list(following_norms(module)):
        activation = getattr(getattr(norm.parent, norm.norm), 'act', nn.Identity())
        setattr(norm.parent, norm.convolution, norm.folded())
        setattr(norm.parent, norm.norm, activation)


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
