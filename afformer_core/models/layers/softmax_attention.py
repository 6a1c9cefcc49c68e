# SPDX-License-Identifier: Apache-2.0
"""Softmax attention without a bias, whose scores are never all in memory."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

PADDING_SCORE = -1e4
# Bounds the scores in memory, since the finest level has thousands of queries. With fewer queries
# at a time the keys would be rearranged for the product too often.
_QUERIES_AT_ONCE = 256
# Every fused kernel accepts vectors of a multiple of 16 bytes, which is 8 values in half
# precision.
_WIDTH_STEP = 8


def attend(queries: Tensor, keys: Tensor, values: Tensor, padding: Tensor | None) -> Tensor:
    """Attend with softmax and scale 1.

    PyTorch's operator never stores scores, in training neither. Its kernels need queries, keys and
    values of the same width, a multiple of 8, with contiguous vectors, so narrower ones are padded
    with zeros. They support no mask, so padding is encoded as an additional element of each key,
    which is multiplied by 1 in the query.

    A graph for CPUs has no such operator, and attends from a part of the queries at a time.

    Args:
        queries: [B, heads, N, D'].
        keys: [B, heads, M, D'].
        values: [B, heads, M, D].
        padding: [B, M], true where a key does not exist, or None.

    Returns:
        [B, heads, N, D].
    """
    if torch.compiler.is_compiling() and queries.dtype == torch.float32:
        parts = queries.split(_QUERIES_AT_ONCE, dim=2)
        return torch.cat([_attend_part(part, keys, values, padding) for part in parts], dim=2)
    if padding is not None:
        masked = torch.where(padding, PADDING_SCORE, 0.0).to(keys.dtype)[:, None, :, None]
        keys = torch.cat((keys, masked.expand(-1, keys.shape[1], -1, -1)), dim=3)
        queries = functional.pad(queries, (0, 1), value=1.0)
    width = -(-keys.shape[3] // _WIDTH_STEP) * _WIDTH_STEP
    attended = functional.scaled_dot_product_attention(
        _widen(queries, width), _widen(keys, width), _widen(values, width), scale=1.0
    )
    return attended[..., : values.shape[3]]


def _attend_part(queries: Tensor, keys: Tensor, values: Tensor, padding: Tensor | None) -> Tensor:
    scores = queries @ keys.transpose(2, 3)
    if padding is not None:
        scores = scores.masked_fill(padding[:, None, None, :], PADDING_SCORE)
    return scores.softmax(dim=-1) @ values


def _widen(vectors: Tensor, width: int) -> Tensor:
    """Pad [..., D] to [..., width] with zeros."""
    missing = width - vectors.shape[-1]
    return functional.pad(vectors, (0, missing)) if missing else vectors
