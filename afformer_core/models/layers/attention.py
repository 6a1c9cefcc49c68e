# SPDX-License-Identifier: Apache-2.0
"""Self- and cross-attention with decomposed relative positions, as inner products.

The published form adds to the scores q.k / sqrt(D) a bias q.R_t + q.R_h + q.R_w, a tensor of
queries x keys. The same scores are one inner product of

    q' = [q / sqrt(D),  q.R_h,      q.R_w     ]
    k' = [k + sqrt(D) R_t,  onehot(row),  onehot(column)]

so that no bias is stored: R_h and R_w depend on the query's position and the key's row or column,
whereas R_t depends only on the key, because the image has no time.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from afformer_core.models.layers.relative_position import (
    axis_indicators,
    padded_temporal_table,
    relative_table,
    temporal_table,
)


def group_queries_by_video(queries: Tensor, videos: int) -> Tensor:
    """Concatenate the queries of all images of a video, so that its memory is not repeated.

    Args:
        queries: [videos * K, heads, N, D]; those of a video's K images are consecutive.
        videos: number of videos.

    Returns:
        [videos, heads, K * N, D].
    """
    if len(queries) == videos:
        return queries
    return queries.unflatten(0, (videos, -1)).transpose(1, 2).flatten(2, 3)


def ungroup_by_image(attended: Tensor, images: int) -> Tensor:
    """Separate the result of `group_queries_by_video` by image.

    Args:
        attended: [videos, heads, K * N, ...].
        images: number of images of all videos, videos * K.

    Returns:
        [images, heads, N, ...].
    """
    if len(attended) == images:
        return attended
    each = images // len(attended)
    return attended.unflatten(2, (each, -1)).transpose(1, 2).flatten(0, 1)


Size = tuple[int, int]


class _RelativeAttention(nn.Module):
    """The common part of self- and cross-attention: row and column terms, and the attention."""

    rel_pos_h: nn.Parameter
    rel_pos_w: nn.Parameter

    def __init__(self, channels: int, heads: int, maximum_size: Size) -> None:
        super().__init__()
        self.heads = heads
        self.maximum_size = maximum_size
        self.head_channels = channels // heads
        self.rel_pos_h = nn.Parameter(torch.zeros(2 * maximum_size[0] - 1, self.head_channels))
        self.rel_pos_w = nn.Parameter(torch.zeros(2 * maximum_size[1] - 1, self.head_channels))

    def freeze_tables(self, query_size: Size, key_size: Size, stride: int = 1) -> None:
        """Precompute the relative positions for these sizes, for inference and export.

        Args:
            query_size, key_size: (height, width) of queries and of keys.
            stride: side, in positions, of the square whose mean is one key.
        """
        for axis, embeddings in enumerate((self.rel_pos_h, self.rel_pos_w)):
            table = relative_table(embeddings, query_size[axis], key_size[axis], stride)
            name = _table_name(axis, query_size, key_size, stride)
            self.register_buffer(name, table.detach().transpose(1, 2), persistent=False)

    def _table(self, axis: int, query_size: Size, key_size: Size, stride: int) -> Tensor:
        frozen = self._buffers.get(_table_name(axis, query_size, key_size, stride))
        if frozen is not None:
            return frozen
        embeddings = (self.rel_pos_h, self.rel_pos_w)[axis]
        table = relative_table(embeddings, query_size[axis], key_size[axis], stride)
        return table.transpose(1, 2)

    def _split_heads(self, x: Tensor) -> Tensor:
        """Reshape [B, N, C] to [B, heads, N, D]."""
        return x.unflatten(2, (self.heads, self.head_channels)).transpose(1, 2)

    def _queries(self, q: Tensor, query_size: Size, key_size: Size, stride: int = 1) -> Tensor:
        """Join q / sqrt(D), q.R_h and q.R_w of [B, heads, N, D], [B, heads, N, D']."""
        grid = q.unflatten(2, query_size)
        tables = (self._table(axis, query_size, key_size, stride).to(q.dtype) for axis in (0, 1))
        of_rows, of_columns = tables
        rows = grid @ of_rows
        columns = (grid.transpose(2, 3) @ of_columns).transpose(2, 3)
        scaled = grid / math.sqrt(self.head_channels)
        return torch.cat([term.flatten(2, 3) for term in (scaled, rows, columns)], dim=-1)


def _merge_heads(attended: Tensor) -> Tensor:
    """Reshape [B, heads, N, D] to [B, N, heads * D]."""
    return attended.transpose(1, 2).flatten(2)


def _table_name(axis: int, query_size: Size, key_size: Size, stride: int) -> str:
    sizes = '_'.join(str(n) for n in (*query_size, *key_size, stride))
    return f'table_{axis}_{sizes}'


class SelfAttention2d(_RelativeAttention):
    """Self-attention among the positions of one image level."""

    def __init__(self, channels: int, heads: int, maximum_size: Size) -> None:
        super().__init__(channels, heads, maximum_size)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)

    def forward(self, x: Tensor, guide: Tensor | None = None) -> Tensor:
        """Attend among the positions of an image level.

        Args:
            x: [B, height, width, C].
            guide: [B, height * width, C], added to the queries only, or None.

        Returns:
            [B, height, width, C].
        """
        size = (x.shape[1], x.shape[2])
        queries, *others = self.qkv(x.flatten(1, 2)).chunk(3, dim=2)
        if guide is not None:
            queries = queries + guide
        q, k, v = (self._split_heads(part) for part in (queries, *others))
        positions = axis_indicators(*size, dtype=k.dtype, device=k.device)
        keys = torch.cat((k, positions.expand(*k.shape[:2], -1, -1)), dim=-1)
        attended = attend(self._queries(q, size, size), keys, v, None)
        return self.proj(_merge_heads(attended)).unflatten(1, size)


class CrossAttention3d(_RelativeAttention):
    """Cross-attention from the positions of an image level to positions and times of a video."""

    def __init__(self, channels: int, heads: int, maximum_size: Size, maximum_frames: int) -> None:
        super().__init__(channels, heads, maximum_size)
        self.q_proj = nn.Linear(channels, channels)
        self.k_proj = nn.Linear(channels, channels)
        self.v_proj = nn.Linear(channels, channels)
        self.proj = nn.Linear(channels, channels)
        self.rel_pos_t = nn.Parameter(torch.zeros(2 * maximum_frames - 1, self.head_channels))

    def memorize(self, video: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
        """Compute keys and values of videos, which later images need.

        Args:
            video: [B, T, height, width, C], normalised features.
            lengths: [B], number of frames of each video, or None when all exist.

        Returns:
            keys [B, heads, T * height * width, D + height + width] and values [B, heads, T *
            height * width, D], both contiguous.
        """
        batch, frames, height, width, _ = video.shape
        times = self._times(frames, lengths) * math.sqrt(self.head_channels)
        flat = video.flatten(1, 3)
        k = self._split_heads(self.k_proj(flat)).unflatten(2, (frames, height * width))
        k = k + times[:, None, :, None, :].to(k.dtype)
        positions = axis_indicators(height, width, dtype=k.dtype, device=k.device)
        positions = positions.expand(batch, self.heads, frames, -1, -1)
        keys = torch.cat((k, positions), dim=-1).flatten(2, 3)
        return keys.contiguous(), self._split_heads(self.v_proj(flat)).contiguous()

    def _times(self, frames: int, lengths: Tensor | None) -> Tensor:
        if lengths is None:
            return temporal_table(self.rel_pos_t, frames)[None]
        return padded_temporal_table(self.rel_pos_t, lengths, frames)

    def forward(
        self,
        x: Tensor,
        size: Size,
        keys: Tensor,
        values: Tensor,
        video_size: Size,
        padding: Tensor | None,
        stride: int = 1,
    ) -> Tensor:
        """Attend from an image level to a memorized video.

        Args:
            x: [B * K, N, C] with N = size[0] * size[1]; the K images of a video are consecutive.
            size: (height, width) of the image level.
            keys, values: from `memorize`.
            video_size: (height, width) of the video features.
            padding: [B, M], true at keys of frames that do not exist, or None.
            stride: side, in positions, of the square whose mean is one position of the features.

        Returns:
            [B * K, N, C].
        """
        q = self._split_heads(self.q_proj(x))
        queries = group_queries_by_video(self._queries(q, size, video_size, stride), len(keys))
        attended = attend(queries, keys, values, padding)
        return self.proj(_merge_heads(ungroup_by_image(attended, len(x))))


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
