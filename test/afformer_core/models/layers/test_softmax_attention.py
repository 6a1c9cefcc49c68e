# SPDX-License-Identifier: Apache-2.0
"""The ways of attending give the same, and so do their gradients."""

import pytest
import torch
from torch import Tensor

from afformer_core.models.layers.softmax_attention import attend

# Padding of two videos: two keys of five do not exist in the second.
PADDING = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
# More than are attended at a time, of both.
QUERIES, HEADS = 300, 3


def inputs(dtype: torch.dtype = torch.double) -> tuple[Tensor, Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    shapes = ((2, HEADS, QUERIES, 6), (2, HEADS, 5, 6), (2, HEADS, 5, 4))
    return tuple(
        torch.randn(shape, generator=rng, dtype=torch.double).to(dtype).requires_grad_()
        for shape in shapes
    )


def plain(queries: Tensor, keys: Tensor, values: Tensor, padding: Tensor | None) -> Tensor:
    scores = queries @ keys.mT
    if padding is not None:
        scores = scores.masked_fill(padding[:, None, None, :], -1e4)
    return scores.softmax(dim=-1) @ values


@pytest.mark.parametrize('graph', [False, True])
@pytest.mark.parametrize('padding', [None, PADDING], ids=['whole', 'padded'])
def test_equals_plain_attention_with_its_gradients(
    padding: Tensor | None, graph: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = []
    monkeypatch.setattr(torch.compiler, 'is_compiling', lambda: graph)
    for function in (attend, plain):
        tensors = inputs(torch.float32)
        attended = function(*tensors, padding)
        (attended * torch.arange(4.0)).sin().sum().backward()
        results.append((attended, *(tensor.grad for tensor in tensors)))

    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
