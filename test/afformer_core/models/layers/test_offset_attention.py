# SPDX-License-Identifier: Apache-2.0
"""Attention of training against the longer vectors, and what it keeps."""

import pytest
import torch
from torch import Tensor

from afformer_core.models.layers.relative_position import attend_with_offsets, axis_indicators
from afformer_core.models.layers.softmax_attention import attend_in_parts

FRAMES, HEIGHT, WIDTH = 2, 2, 3
# More than are attended at a time.
QUERIES = 300
PADDING = torch.zeros(2, FRAMES * HEIGHT * WIDTH, dtype=torch.bool)
PADDING[1, HEIGHT * WIDTH :] = True


def inputs(dtype: torch.dtype = torch.float32) -> list[Tensor]:
    """Queries, rows, columns, keys and values of two pairs and two heads."""
    rng = torch.Generator().manual_seed(0)
    keys = FRAMES * HEIGHT * WIDTH
    shapes = ((QUERIES, 4), (QUERIES, HEIGHT), (QUERIES, WIDTH), (keys, 4), (keys, 4))
    return [
        torch.randn((2, 2, *shape), generator=rng).to(dtype).requires_grad_() for shape in shapes
    ]


def longer_vectors(
    queries: Tensor, rows: Tensor, columns: Tensor, keys: Tensor, values: Tensor,
    padding: Tensor | None,
) -> Tensor:  # fmt: skip
    positions = axis_indicators(HEIGHT, WIDTH, keys.dtype, keys.device).repeat(FRAMES, 1)
    augmented = torch.cat((keys, positions.expand(2, 2, -1, -1)), dim=3)
    return attend_in_parts(torch.cat((queries, rows, columns), 3), augmented, values, padding)


@pytest.mark.parametrize('padding', [None, PADDING], ids=['whole', 'padded'])
def test_equals_longer_vectors_with_its_gradients(padding: Tensor | None) -> None:
    results = []
    for function in (attend_with_offsets, longer_vectors):
        tensors = inputs()
        attended = function(*tensors, padding)
        (attended * torch.arange(4.0)).sin().sum().backward()
        results.append((attended, *(tensor.grad for tensor in tensors)))

    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-4)


def test_scores_are_not_kept_for_the_gradients() -> None:
    kept: list[tuple[int, ...]] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tuple(tensor.shape))
        return tensor

    tensors = inputs()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        attend_with_offsets(*tensors, None)

    assert kept == [tuple(tensor.shape) for tensor in tensors]


def test_gradients_in_mixed_precision_have_the_types_of_their_tensors() -> None:
    tensors = inputs(torch.bfloat16)
    with torch.autocast('cpu', torch.bfloat16):
        attended = attend_with_offsets(*tensors, None)
    attended.float().sum().backward()

    assert attended.dtype == torch.bfloat16
    assert {tensor.grad.dtype for tensor in tensors} == {torch.bfloat16}
