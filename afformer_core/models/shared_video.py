# SPDX-License-Identifier: Apache-2.0
"""Images that share a video: their places are so many more queries of one set of keys."""

from __future__ import annotations

from torch import Tensor


def by_video(queries: Tensor, videos: int) -> Tensor:
    """Queries of all images of a video in a row, so that its memory need not be repeated.

    Args:
        queries: [videos * K, heads, N, D], those of a video's K images together.
        videos: how many there are.

    Returns:
        [videos, heads, K * N, D].
    """
    if len(queries) == videos:
        return queries
    return queries.unflatten(0, (videos, -1)).transpose(1, 2).flatten(2, 3)


def by_image(attended: Tensor, images: int) -> Tensor:
    """What `by_video` put together, apart again.

    Args:
        attended: [videos, heads, K * N, ...].
        images: of all videos, videos * K.

    Returns:
        [images, heads, N, ...].
    """
    if len(attended) == images:
        return attended
    each = images // len(attended)
    return attended.unflatten(2, (each, -1)).transpose(1, 2).flatten(0, 1)
