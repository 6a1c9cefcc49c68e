# SPDX-License-Identifier: Apache-2.0
"""Decomposed relative positions: learnt vectors for offsets, and attention with their terms.

Along an axis of `query_size` and `key_size` positions, the coarser grid is stretched onto the
finer one, so that offsets are counted in positions of the finer one.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


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
