# SPDX-License-Identifier: Apache-2.0
"""Peaks of a heatmap, sub-pixel in the source image, and the regions that it marks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray

# About twice the spread of an annotated interaction point, as a share of the image's side.
NEIGHBOURHOOD = 0.1
RIPPLE = 1 / 64
"""Standard deviation of the Gaussian that smooths a decoder's heatmap, as a share of its side.

The upsampling of the head leaves ripples, whose maxima are meaningless and change with the last
bit of the logits."""
_LEAST_SHARE = 1e-3
_MOST_CANDIDATES = 64
_NEAREST = np.ones((3, 3), np.uint8)


@dataclass(frozen=True)
class Peak:
    """A local maximum of a heatmap.

    Attributes:
        u, v: column and row in pixels of the source image, sub-pixel; the first pixel's centre
            is (0, 0).
        score: share of the heatmap's probability around the peak, 0 to 1.
    """

    u: float
    v: float
    score: float


def find_peaks(
    probabilities: FloatArray, source_size: tuple[int, int], maximum: int, ripple: float = RIPPLE
) -> tuple[Peak, ...]:
    """Find the peaks of a heatmap, the highest first.

    Peaks are searched in the heatmap after ripples are smoothed away. A peak is the largest value
    within a tenth of the heatmap's side around it (non-maximum suppression), refined to sub-pixel
    by a parabola through the logarithms of its neighbours. Its score is the probability within
    that neighbourhood. Peaks with less than a thousandth of the probability are left out as noise,
    except for the best one.

    Args:
        probabilities: float32 [h, w], of sum 1.
        source_size: (height, width) of the source image; each axis has its own scale.
        maximum: largest number of peaks, at least 0.
        ripple: standard deviation of the smoothing as a share of the shorter side; 0: none.

    Returns:
        at most `maximum` peaks.
    """
    disc, smooth = _neighbourhood(probabilities), _smoothed(probabilities, ripple)
    candidates = _local_maxima(probabilities, smooth, disc)
    candidates.sort(key=lambda candidate: (-smooth[candidate[1]], candidate[1]))
    best = candidates[:1] + [
        candidate for candidate in candidates[1:] if candidate[0] >= _LEAST_SHARE
    ]
    return tuple(
        _to_source(_refine(smooth, position), probabilities.shape, source_size, share)
        for share, position in best[:maximum]
    )


def share_at_maximum(probabilities: FloatArray, ripple: float = RIPPLE) -> float:
    """Compute the score of the highest peak, 0 to 1; see `find_peaks` for the arguments."""
    smooth = _smoothed(probabilities, ripple)
    row, column = divmod(int(smooth.argmax()), probabilities.shape[1])
    around = _within(probabilities, (row, column), _neighbourhood(probabilities))
    return min(float(around.sum(dtype=np.float64)), 1.0)


def _smoothed(probabilities: FloatArray, ripple: float) -> FloatArray:
    deviation = ripple * min(probabilities.shape)
    if deviation <= 0:
        return probabilities
    blurred = cv2.GaussianBlur(probabilities, (0, 0), deviation, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.float32)


def _neighbourhood(probabilities: FloatArray) -> NDArray[np.bool_]:
    return _disc(max(1, round(NEIGHBOURHOOD * min(probabilities.shape))))


@cache
def _disc(radius: int) -> NDArray[np.bool_]:
    size = 2 * radius + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)).astype(bool)


def _within(
    probabilities: FloatArray, position: tuple[int, int], disc: NDArray[np.bool_]
) -> FloatArray:
    """Return the values within the disc around a pixel, clipped to the heatmap."""
    radius = len(disc) // 2
    row, column = position
    top, left = max(row - radius, 0), max(column - radius, 0)
    window = probabilities[top : row + radius + 1, left : column + radius + 1]
    first_row, first_column = top - row + radius, left - column + radius
    height, width = window.shape
    return window[disc[first_row : first_row + height, first_column : first_column + width]]


def _local_maxima(
    probabilities: FloatArray, smooth: FloatArray, disc: NDArray[np.bool_]
) -> list[tuple[float, tuple[int, int]]]:
    """Find smoothed pixels (row, column) that are the largest within the disc around them.

    Returns:
        for each, the probability within the disc, and the pixel.
    """
    # Few pixels exceed their nearest neighbours, and only these are compared with the disc.
    high = smooth >= cv2.dilate(smooth, _NEAREST)
    # A value is too low if even a disc filled with it would contain less than the minimum share.
    high &= smooth >= min(_LEAST_SHARE / disc.sum(), float(smooth.max()))
    indices = np.flatnonzero(high)
    values = smooth.ravel()[indices]
    order = np.argsort(-values, kind='stable')[:_MOST_CANDIDATES]
    values = values[order]
    rows, columns = np.divmod(indices[order], high.shape[1])
    distances = (rows[:, None] - rows) ** 2 + (columns[:, None] - columns) ** 2
    near = distances <= (len(disc) // 2) ** 2
    left = ~(near & (values > values[:, None])).any(axis=1)
    found: list[tuple[float, tuple[int, int]]] = []
    for index in np.flatnonzero(left):
        row, column = int(rows[index]), int(columns[index])
        # Equal neighbours on a plateau are all maxima; one of them represents the plateau.
        if not left[index]:
            continue
        if values[index] >= _within(smooth, (row, column), disc).max():
            share = float(_within(probabilities, (row, column), disc).sum(dtype=np.float64))
            found.append((min(share, 1.0), (row, column)))
            left &= ~near[index]
    return found


def _refine(smooth: FloatArray, position: tuple[int, int]) -> tuple[float, float]:
    row, column = position
    height, width = smooth.shape
    if not (0 < row < height - 1 and 0 < column < width - 1):
        return row, column
    along_rows = smooth[row - 1 : row + 2, column].tolist()
    along_columns = smooth[row, column - 1 : column + 2].tolist()
    return row + _vertex(*along_rows), column + _vertex(*along_columns)


def _vertex(before: float, middle: float, after: float) -> float:
    """Return the vertex, -0.5 to 0.5, of a parabola through the logarithms at -1, 0 and 1."""
    before, middle, after = (math.log(max(value, 1e-30)) for value in (before, middle, after))
    curvature = before - 2 * middle + after
    if curvature >= 0:
        return 0.0
    return min(max((before - after) / (2 * curvature), -0.5), 0.5)


def _to_source(
    position: tuple[float, float],
    heatmap_size: tuple[int, ...],
    source_size: tuple[int, int],
    share: float,
) -> Peak:
    v, u = (
        min(max((at + 0.5) * source / size - 0.5, 0.0), source - 1.0)
        for at, size, source in zip(position, heatmap_size, source_size, strict=True)
    )
    return Peak(u=u, v=v, score=share)


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
