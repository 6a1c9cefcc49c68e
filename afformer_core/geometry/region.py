# SPDX-License-Identifier: Apache-2.0
"""The region of an image that a heatmap marks."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.runtime.grounding import Peak


def marked_region(
    heatmap: NDArray[np.float32], peaks: Iterable[Peak], share: float
) -> NDArray[np.bool_]:
    """Return the connected components of the marked pixels that contain a peak.

    Args:
        heatmap: float32 [H, W] of the image's size, not negative.
        peaks: peaks of the heatmap; those in pixels that are not marked have no region.
        share: share of the heatmap's maximum at which a pixel is marked, above 0 to 1.

    Returns:
        bool [H, W].
    """
    largest = float(heatmap.max())
    if not largest > 0:
        return np.zeros(heatmap.shape, bool)
    marked = heatmap >= np.float32(share * largest)
    _, labels = cv2.connectedComponents(marked.astype(np.uint8), connectivity=8)
    inside = {int(labels[pixel_of(peak, heatmap.shape)]) for peak in peaks} - {0}
    return np.isin(labels, list(inside))


def peak_region(heatmap: NDArray[np.float32], peak: Peak, share: float) -> NDArray[np.bool_]:
    """Return the connected pixels around a peak that reach a share of the value at its pixel.

    Args:
        heatmap: float32 [H, W] of the image's size, not negative.
        peak: a peak of the heatmap.
        share: share of the value at its pixel, above 0 to 1.

    Returns:
        bool [H, W].
    """
    limit = heatmap[pixel_of(peak, heatmap.shape)]
    return marked_region(np.minimum(heatmap, limit), [peak], share)


def pixel_of(peak: Peak, size: tuple[int, ...]) -> tuple[int, int]:
    """Return (row, column) of the pixel of an image of (height, width) that shows a peak."""
    row, column = (
        min(max(round(at), 0), count - 1) for at, count in zip((peak.v, peak.u), size, strict=True)
    )
    return row, column
