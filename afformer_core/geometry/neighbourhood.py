# SPDX-License-Identifier: Apache-2.0
"""Inverse depth around pixels, in the units for fitting planes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.depth_image import DepthImage
from afformer_core.geometry.window import NEAREST, OFFSETS, REACH, FloatArray, Mask, medians

# Pixels around the peak, and the minimum share of them with depth.
_HOLE_RADIUS = 2.5
_LEAST_VALID = 2 / 3
# Metres by which the depths of two pixels may differ because of resolution (16UC1 has
# millimetres).
_RESOLUTION = 0.0003
# Pixels to each side whose noise is measured, and the ratio to the configured noise above which
# the measured noise is used.
_ROUGH_REACH = 8
_CLEAR_EXCESS = 1.2
# Distance in pixels of two pixels whose difference gives the slope.
_SPAN = 4
# Share of the depth; pixels that differ from the peak by more belong to another surface.
_LARGEST_RISE = 0.25

_SIDE = np.arange(-REACH, REACH + 1)


@dataclass(frozen=True)
class Neighbourhoods:
    """Inverse depth around each of P peaks; S is 2 * REACH + 1.

    Attributes:
        values: float32 [P, S, S], (inverse depth / `inverse` - 1) / `noise`, 0 where not valid.
        valid: bool [P, S, S].
        peaks: float64 [P, 2], (u, v) from the pixel in the middle, within half a pixel.
        inverse: float64 [P], inverse depth at the peak, 1 / metres.
        noise: float64 [P], standard deviation of one pixel as a share of its depth.
    """

    values: FloatArray
    valid: Mask
    peaks: NDArray[np.float64]
    inverse: NDArray[np.float64]
    noise: NDArray[np.float64]

    def of(self, rows: Mask) -> Neighbourhoods:
        """Return the neighbourhoods of some of the peaks, bool [P]."""
        if rows.all():
            return self
        return Neighbourhoods(
            self.values[rows],
            self.valid[rows],
            self.peaks[rows],
            self.inverse[rows],
            self.noise[rows],
        )

    def seen_by(self, inside: Mask) -> tuple[FloatArray, Mask]:
        """Return values and validity of the first N pixels of the largest window, both [P, N].

        Args:
            inside: bool [P, N], the pixels of the window of each peak; others are not valid.
        """
        u, v = OFFSETS[: inside.shape[1]].T + REACH
        return self.values[:, v, u], self.valid[:, v, u] & inside

    def near(self, radius: float) -> Mask:
        """Find the NEAREST pixels within a radius of each peak, bool [P, NEAREST].

        Args:
            radius: pixels, at most 3.
        """
        return _near(self.peaks, radius)

    def radii(self, length: float, focal_length: float) -> NDArray[np.float64]:
        """Convert a length in metres at each peak's depth to pixels, float64 [P]."""
        return length * focal_length * self.inverse

    def millimetres(self, row: int, value: float) -> float:
        """Convert a difference of values at a peak to millimetres of depth."""
        return float(1000 * value * self.noise[row] / self.inverse[row])

    def slopes(self, radii: NDArray[np.int64]) -> NDArray[np.float64]:
        """Estimate the change per pixel along u and v within radii [P], despite steps.

        Returns:
            float64 [P, 2], values per pixel.
        """
        reach = int(radii.max(initial=_SPAN))
        square = np.s_[:, REACH - reach : REACH + reach + 1, REACH - reach : REACH + reach + 1]
        near = np.abs(_SIDE[square[1]]) <= radii[:, None]
        values = self.values[square]
        rise = (4 + _LARGEST_RISE / self.noise).astype(np.float32)
        valid = self.valid[square] & (np.abs(values) <= rise[:, None, None])
        valid &= near[:, :, None] & near[:, None]
        values, valid = _both_ways(values, valid)
        differences = values[:, :, _SPAN:] - values[:, :, :-_SPAN]
        both = valid[:, :, _SPAN:] & valid[:, :, :-_SPAN]
        slopes = _medians_of_many(differences, both, 8) / _SPAN
        return np.asarray(slopes.reshape(2, -1).T)


def search_nearby(
    depth: DepthImage,
    positions: NDArray[np.float64],
    bounds: tuple[float, float],
    noise: float,
) -> tuple[Neighbourhoods, list[str]]:
    """Read the inverse depth around positions in a depth image.

    Args:
        depth: the depth image.
        positions: float64 [P, 2], (u, v) within the depth image, pixels.
        bounds: nearest and farthest depth, metres; others are holes.
        noise: standard deviation of one pixel as a share of its depth; the measured noise is used
            instead if it is clearly higher.

    Returns:
        the neighbourhoods of the positions that show a surface; and for each position '', or the
        reason why it shows none (a hole, or many holes next to it).
    """
    pixels = np.floor(positions + 0.5).astype(int)
    crops, inside = _crops(depth, pixels)
    nearest, farthest = bounds
    valid = (crops >= nearest) & (crops <= farthest) & inside
    peaks = positions - pixels
    u, v = OFFSETS[:NEAREST].T + REACH
    near = _near(peaks, _HOLE_RADIUS) & inside[:, v, u]
    known = near & valid[:, v, u]
    counts, expected = known.sum(axis=1), near.sum(axis=1)
    problems = [
        _problem(depth_there, bounds, count / all_of_them)
        for depth_there, count, all_of_them in zip(
            crops[:, REACH, REACH].tolist(), counts, expected, strict=True
        )
    ]
    rows = np.array([not problem for problem in problems], bool)
    crops, valid = crops[rows], valid[rows]
    inverse = 1 / medians(crops[:, v, u], known[rows])
    noises = np.hypot(noise, _RESOLUTION * inverse)
    scaled = np.divide(1, crops, out=np.zeros_like(crops), where=valid)
    scaled = (scaled / inverse[:, None, None] - 1) / noises[:, None, None]
    values = np.where(valid, scaled, 0).astype(np.float32)
    excess = _roughness(values, valid)
    excess[excess <= _CLEAR_EXCESS] = 1
    values /= excess[:, None, None].astype(np.float32)
    return Neighbourhoods(values, valid, peaks[rows], inverse, noises * excess), problems


def _crops(depth: DepthImage, pixels: NDArray[np.int64]) -> tuple[FloatArray, Mask]:
    """Return depth around pixels (u, v), float32 [P, S, S], and where it lies inside the image."""
    columns, rows = pixels[:, :1] + _SIDE, pixels[:, 1:] + _SIDE
    height, width = depth.size
    rows_inside, columns_inside = (rows >= 0) & (rows < height), (columns >= 0) & (columns < width)
    inside = rows_inside[:, :, None] & columns_inside[:, None]
    rows, columns = rows.clip(0, height - 1), columns.clip(0, width - 1)
    return depth.at((rows * width)[:, :, None] + columns[:, None]), inside


def _near(peaks: NDArray[np.float64], radius: float) -> Mask:
    u, v = OFFSETS[:NEAREST].T
    return np.asarray((u - peaks[:, :1]) ** 2 + (v - peaks[:, 1:]) ** 2 <= radius * radius)


def _problem(depth: float, bounds: tuple[float, float], known_share: float) -> str:
    nearest, farthest = bounds
    if not 0 < depth < np.inf:
        return 'the depth image has a hole at the peak'
    if not nearest <= depth <= farthest:
        return (
            f'the depth at the peak, {depth:.2f} m, is outside the range from {nearest:g} to '
            f'{farthest:g} m'
        )
    if known_share < _LEAST_VALID:
        return f'{100 * (1 - known_share):.0f} % of the depth image around the peak are holes'
    return ''


def _roughness(values: FloatArray, valid: Mask) -> NDArray[np.float64]:
    """Estimate the noise [P] near the middle, without the effect of slopes and edges.

    Edges run along rows or columns, so the smoother direction is used.
    """
    near = slice(REACH - _ROUGH_REACH, REACH + _ROUGH_REACH + 1)
    values, valid = _both_ways(values[:, near, near], valid[:, near, near])
    bends = values[:, :, 2:] - 2 * values[:, :, 1:-1] + values[:, :, :-2]
    whole = valid[:, :, 2:] & valid[:, :, 1:-1] & valid[:, :, :-2]
    # for normal noise, the median magnitude is 0.6745 standard deviations, and second differences
    # vary sqrt(6) times more
    deviations = _medians_of_many(np.abs(bends), whole, 50) / 1.652
    return np.asarray(deviations.reshape(2, -1).min(axis=0))


def _both_ways(values: FloatArray, valid: Mask) -> tuple[FloatArray, Mask]:
    """Append to squares [P, S, S] their transposes: [2 P, S, S]."""
    return (
        np.concatenate([values, values.swapaxes(1, 2)]),
        np.concatenate([valid, valid.swapaxes(1, 2)]),
    )


def _medians_of_many(values: FloatArray, counted: Mask, few: int) -> NDArray[np.float64]:
    """Compute medians of the counted values [P, H, W]; 0 if at most `few` are counted."""
    count, rows, columns = values.shape
    counted = counted.reshape(count, rows * columns)
    many = counted.sum(axis=1) > few
    found = medians(values.reshape(counted.shape), counted)
    return np.where(many, found, 0.0)
