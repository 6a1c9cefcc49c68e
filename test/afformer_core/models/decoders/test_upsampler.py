# SPDX-License-Identifier: Apache-2.0
"""Heatmaps are drawn as by the deconvolutions themselves."""

import pytest
import torch
from torch import Tensor, nn

from afformer_core.models.decoders.predictor import Upsampler


@pytest.fixture
def upsampler() -> Upsampler:
    """Of random weights, of the norm too."""
    torch.manual_seed(0)
    upsampler = Upsampler(channels=8, heatmaps=3).double()
    for parameter in upsampler.parameters():
        nn.init.normal_(parameter)
    return upsampler


def by_convolution(upsampler: Upsampler, decoded: Tensor) -> Tensor:
    return nn.Sequential(*upsampler)(decoded)


def test_equals_the_deconvolutions_with_their_gradients(upsampler: Upsampler) -> None:
    results = []
    for draw in (upsampler, lambda decoded: by_convolution(upsampler, decoded)):
        upsampler.zero_grad()
        decoded = torch.randn(2, 8, 5, 7, generator=torch.Generator().manual_seed(1)).double()
        decoded.requires_grad_()
        heatmaps = draw(decoded)
        heatmaps.sin().sum().backward()
        results.append((heatmaps, decoded.grad, *(p.grad for p in upsampler.parameters())))

    assert results[0][0].shape == (2, 3, 20, 28)
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-10, rtol=0)
