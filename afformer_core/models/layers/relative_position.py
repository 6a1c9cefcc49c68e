# SPDX-License-Identifier: Apache-2.0
"""Decomposed relative positions: learnt vectors for offsets, and attention with their terms.

Along an axis of `query_size` and `key_size` positions, the coarser grid is stretched onto the
finer one, so that offsets are counted in positions of the finer one.

In training on a CPU, the terms of rows and columns are added to the scores of a few queries at a
time, which fit into the cache. The scores are recomputed for the gradients, so that neither a bias
nor all scores are ever stored. Otherwise, longer vectors contain the terms, see `attention`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from afformer_core.models.layers.softmax_attention import PADDING_SCORE

# Scores of this many queries and a few thousand keys fit into the cache.
_QUERIES_AT_ONCE = 256


def relative_table(embeddings: Tensor, query_size: int, key_size: int, stride: int = 1) -> Tensor:
    """Look up the vector of every (query, key) pair of positions along one axis.

    Args:
        embeddings: [2 M - 1, D], the learnt vectors of offsets -(M - 1) to M - 1; resampled
            linearly if the sizes need another M.
        query_size: positions along the axis in the image.
        key_size: keys along the axis in the video.
        stride: positions along the axis whose mean is one key, at least 1.

    Returns:
        [query_size, key_size, D].
    """
    positions = key_size * stride
    finer = max(query_size, positions)
    resampled = resampled_positions(embeddings, 2 * finer - 1)
    table = resampled[_offsets(query_size, positions, embeddings.device)]
    return table if stride == 1 else table.unflatten(1, (key_size, stride)).mean(dim=2)


def resampled_positions(table: Tensor, length: int) -> Tensor:
    """Resample relative positions [N, D] linearly to [length, D]."""
    if len(table) == length:
        return table
    resampled = functional.interpolate(
        table.T[None], size=length, mode='linear', align_corners=False
    )
    return resampled[0].T


def _offsets(query_size: int, key_size: int, device: torch.device) -> Tensor:
    query_step = max(key_size / query_size, 1.0)
    key_step = max(query_size / key_size, 1.0)
    queries = torch.arange(query_size, device=device)[:, None] * query_step
    keys = torch.arange(key_size, device=device)[None, :] * key_step
    return (queries - keys + (key_size - 1) * key_step).long()


def temporal_table(embeddings: Tensor, length: int) -> Tensor:
    """Look up the vectors of `length` frames relative to an image after the last one.

    Args:
        embeddings: [2 T - 1, D] for at most T frames; the first belongs to the newest frame.
        length: number of frames, 1 to T.

    Returns:
        [length, D], oldest frame first.
    """
    return embeddings[:length].flip(0)


def padded_temporal_table(embeddings: Tensor, lengths: Tensor, padded_length: int) -> Tensor:
    """Look up `temporal_table` for several videos at once, each padded at its end.

    Args:
        embeddings: [2 T - 1, D].
        lengths: [B] integers, number of existing frames of each video.
        padded_length: number of frames of each video with its padding.

    Returns:
        [B, padded_length, D]; values at padding are finite and meaningless.
    """
    positions = torch.arange(padded_length, device=lengths.device)
    return embeddings[(lengths[:, None] - 1 - positions[None, :]).clamp(min=0)]


def axis_indicators(height: int, width: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Encode the row and column of height * width positions as one-hot vectors, row-major.

    Returns:
        [height * width, height + width].
    """
    rows = torch.eye(height, dtype=dtype, device=device).repeat_interleave(width, dim=0)
    columns = torch.eye(width, dtype=dtype, device=device).repeat(height, 1)
    return torch.cat((rows, columns), dim=1)


def attend_with_offsets(
    queries: Tensor,
    rows: Tensor,
    columns: Tensor,
    keys: Tensor,
    values: Tensor,
    padding: Tensor | None,
) -> Tensor:
    """Attend with softmax over scores q.k + the term of the key's row + that of its column.

    Args:
        queries: [B, heads, N, D], already divided by sqrt(D).
        rows: [B, heads, N, height], the term of each row of keys.
        columns: [B, heads, N, width], that of each column.
        keys: [B, heads, M, D]; M is frames * height * width, in that order.
        values: [B, heads, M, D].
        padding: [B, M], true where a key does not exist, or None.

    Returns:
        [B, heads, N, D].
    """
    # Autocast is off, since the gradients below need all tensors in one type.
    tensors = [operand.float() for operand in (queries, rows, columns, keys, values)]
    with torch.autocast(queries.device.type, enabled=False):
        attended: Tensor = _OffsetAttention.apply(*tensors, padding)
    return attended.to(values.dtype)


class _OffsetAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *tensors: Tensor) -> Tensor:
        ctx.save_for_backward(*tensors)
        queries, values = tensors[0], tensors[4]
        attended = queries.new_empty((*queries.shape[:3], values.shape[3]))
        for pair in _pairs(queries):
            one = _Operands.of(tensors, pair)
            for part in _parts(queries):
                torch.mm(one.weights(part), one.values, out=attended[pair][part])
        return attended

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        tensors = ctx.saved_tensors
        gradient = gradients[0].contiguous()
        found = [torch.zeros_like(tensor, memory_format=torch.contiguous_format)
                 for tensor in tensors[:5]]  # fmt: skip
        for pair in _pairs(tensors[0]):
            one = _Operands.of(tensors, pair)
            of_queries, of_rows, of_columns, of_keys, of_values = (
                gradients_of[pair] for gradients_of in found
            )
            for part in _parts(tensors[0]):
                weights = one.weights(part)
                of_values.addmm_(weights.T, gradient[pair][part])
                of_scores = _of_scores(gradient[pair][part] @ one.values.T, weights)
                of_positions = one.by_position(of_scores).sum(dim=1)
                torch.sum(of_positions, dim=2, out=of_rows[part])
                torch.sum(of_positions, dim=1, out=of_columns[part])
                torch.mm(of_scores, one.keys, out=of_queries[part])
                of_keys.addmm_(of_scores.T, one.queries[part])
        return (*found, None)


class _Operands:
    """The operands of one head of one pair."""

    def __init__(self, tensors: list[Tensor | None]) -> None:
        queries, rows, columns, keys, values, self.padding = tensors
        assert queries is not None
        assert rows is not None
        assert columns is not None
        assert keys is not None
        assert values is not None
        self.queries, self.rows, self.columns = queries, rows, columns
        self.keys, self.values = keys, values

    @classmethod
    def of(cls, tensors: tuple[Tensor, ...], pair: tuple[int, int]) -> _Operands:
        """Select the operands of one pair and head from the tensors of all."""
        padding = None if tensors[5] is None else tensors[5][pair[0]]
        return cls([*(tensor[pair] for tensor in tensors[:5]), padding])

    def weights(self, part: slice) -> Tensor:
        """Compute the softmax of the scores of some queries, [n, M]."""
        scores = self.queries[part] @ self.keys.T
        rows, columns = self.rows[part], self.columns[part]
        self.by_position(scores).add_((rows[:, :, None] + columns[:, None, :])[:, None])
        if self.padding is not None:
            scores.masked_fill_(self.padding, PADDING_SCORE)
        return scores.softmax(dim=1)

    def by_position(self, scores: Tensor) -> Tensor:
        """View scores [n, M] as [n, frames, height, width]."""
        return scores.view(len(scores), -1, self.rows.shape[1], self.columns.shape[1])


def _of_scores(of_weights: Tensor, weights: Tensor) -> Tensor:
    """Compute the gradient of the scores from that of the softmax, which is overwritten."""
    sums = torch.einsum('nm,nm->n', of_weights, weights)
    return of_weights.sub_(sums[:, None]).mul_(weights)


def _pairs(queries: Tensor) -> list[tuple[int, int]]:
    return [(i, head) for i in range(queries.shape[0]) for head in range(queries.shape[1])]


def _parts(queries: Tensor) -> list[slice]:
    starts = range(0, queries.shape[2], _QUERIES_AT_ONCE)
    return [slice(start, start + _QUERIES_AT_ONCE) for start in starts]
