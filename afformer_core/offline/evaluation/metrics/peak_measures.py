# SPDX-License-Identifier: Apache-2.0
"""Measures of the best peak: hits of the annotated region, and distances to its points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.media.polygons import Point, contains, nearest_element
from afformer_core.offline.evaluation.metrics.metrics import annotated_region
from afformer_core.offline.evaluation.protocols.protocols import Heatmaps, ProtocolRow

Positions = NDArray[np.float64]
"""[K, 2] (x, y) in pixels of the annotation; the first pixel's centre is (0, 0)."""

# Two pixels share the middle of a side with an even number of pixels, and four share that of an
# image.
_MOST_SHARED = 4
# Maximum number of positions that represent a flat heatmap.
_MOST_POSITIONS = 16_384
_NAN = float('nan')


@dataclass(frozen=True)
class PeakScores:
    """Measures of the best peaks of one predictor, in the order of the rows.

    Attributes:
        position: [N, 2] (x, y) in pixels of the annotation; NaN if a heatmap has a flat top and no
            peak.
        hit: [N] 1 if the peak lies in the row's annotated region, or 0. The region is its mask if
            that is known, or else the area of high values of its blurred points. For a flat
            heatmap, the share of its top in the region, which is the hit rate of a guess. NaN if
            no point was annotated inside the image.
        error: [N] distance to the mask if that is known, else to the nearest annotated point,
            in percent of the image's diagonal; for a flat heatmap, the mean over its top. NaN if
            no point is inside the image.
        inside: [N] 1 if the peak lies inside the outline of the demonstrated element, or 0; NaN if
            there is no peak, or no element is known.
        nearest: [N] 1 if the nearest element is the demonstrated one, or 0; NaN in the same cases.
    """

    position: NDArray[np.float64]
    hit: NDArray[np.float64]
    error: NDArray[np.float64]
    inside: NDArray[np.float64]
    nearest: NDArray[np.float64]


def best_positions(heatmap: Heatmaps, row: ProtocolRow) -> Positions:
    """Find the highest pixels of a heatmap [h, w], of which there is usually one.

    If there are more than 16,384, as in a flat heatmap, an even subset is returned.
    """
    highest = np.flatnonzero(heatmap == heatmap.max())
    # An odd step visits all columns if their number is a power of two.
    step = -(-len(highest) // _MOST_POSITIONS) | 1
    rows, columns = np.divmod(highest[::step], heatmap.shape[1])
    scale = np.divide(row.image_size, heatmap.shape[::-1])
    return np.asarray((np.stack((columns, rows), 1) + 0.5) * scale - 0.5)


def measure_peaks(
    rows: Sequence[ProtocolRow], targets: Heatmaps, positions: Sequence[Positions]
) -> PeakScores:
    """Measure the best peak of each of N rows.

    Args:
        rows: rows of a protocol.
        targets: [N, h, w], ground truths of the rows.
        positions: for each row the positions of its heatmap's maximum, at least one; more than
            four are a flat top and not a peak.
    """
    # A tie of a few pixels has one peak, and any of them can be used.
    found = [all_ if len(all_) > _MOST_SHARED else all_[:1] for all_ in positions]
    peaks = [_peak(of_row) for of_row in found]
    hits, errors = zip(
        *(_annotated(*row_values) for row_values in zip(rows, targets, found, strict=True)),
        strict=True,
    )
    inside, nearest = zip(*map(_element, rows, peaks), strict=True)
    position = [(_NAN, _NAN) if peak is None else peak for peak in peaks]
    return PeakScores(
        *(np.array(values, np.float64) for values in (position, hits, errors, inside, nearest))
    )


def in_region(target: Heatmaps, row: ProtocolRow, positions: Positions) -> NDArray[np.bool_]:
    """Find positions in the annotated region of a row with a ground truth [h, w]; bool [K].

    The region is the row's mask if that is known.
    """
    if row.mask is not None:
        return row.mask.contains(positions)
    size = np.array(target.shape[::-1])
    pixels = np.floor((positions + 0.5) * size / row.image_size).astype(int)
    columns, rows = np.clip(pixels, 0, size - 1).T
    return np.asarray(annotated_region(target)[rows, columns])


def distances(
    points: NDArray[np.float64], positions: Positions, size: tuple[int, int]
) -> NDArray[np.float64]:
    """Measure the distance from K positions to the nearest point, in percent of the diagonal.

    Args:
        points: [P, 2] (x, y), at least one.
        positions: [K, 2].
        size: (width, height) of the image, in whose pixels both are given.
    """
    across, down = (np.subtract.outer(positions[:, axis], points[:, axis]) for axis in (0, 1))
    nearest = np.sqrt((across**2 + down**2).min(1))
    return np.asarray(100 * nearest / np.hypot(*size))


def _annotated(row: ProtocolRow, target: Heatmaps, positions: Positions) -> tuple[float, float]:
    """Hit and error."""
    inside = ((row.points > -1) & (row.points < row.image_size)).all(1)
    if not inside.any():
        return _NAN, _NAN
    hit = float(in_region(target, row, positions).mean())
    if row.mask is None:
        return hit, float(distances(row.points[inside], positions, row.image_size).mean())
    return hit, float(100 * row.mask.distances(positions).mean() / np.hypot(*row.image_size))


def _element(row: ProtocolRow, peak: Point | None) -> tuple[float, float]:
    """Check whether the demonstrated element contains the peak, and whether it is the nearest."""
    scene = row.scene
    if scene is None or peak is None:
        return _NAN, _NAN
    inside = contains(scene.polygons[scene.element], peak)
    return float(inside), float(nearest_element(scene.polygons, peak) == scene.element)


def _peak(positions: Positions) -> Point | None:
    return (float(positions[0, 0]), float(positions[0, 1])) if len(positions) == 1 else None
