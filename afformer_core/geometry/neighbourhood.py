# SPDX-License-Identifier: Apache-2.0
"""What a depth image shows around a pixel, in the units that planes are fitted in."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import AfformerError
from afformer_core.geometry.median import median
from afformer_core.geometry.plane_fit import Mask, Window, disc_window

# Pixels from the middle to each side.
REACH = 16
# Pixels around the peak most of which must not be holes.
_HOLE_RADIUS = 2.5
_LEAST_VALID = 2 / 3
# Metres by which two pixels' depths differ for their resolution alone (16UC1 has millimetres).
_RESOLUTION = 0.0003
# Pixels to each side whose noise is measured, and how much more than is known of it must be there
# before that is taken for the noise.
_ROUGH_REACH = 8
_CLEAR_EXCESS = 1.2
# Pixels between those whose difference gives the slope.
_SPAN = 4
# As a share of its depth, what lies so far from the peak is another surface, however steep.
_LARGEST_RISE = 0.25


class SurfaceMissing(AfformerError):  # noqa: N818
    """A depth image shows no surface at a pixel that could be trusted; its text says why."""


@dataclass(frozen=True)
class Neighbourhood:
    """Inverse depth around a peak.

    Attributes:
        values: float32 [S, S], (inverse depth / `inverse` - 1) / `noise`, 0 where not valid.
        valid: bool [S, S].
        middle: index of the peak's own pixel on both axes.
        peak: (u, v) from that pixel, within half a pixel.
        inverse: inverse depth at the peak, 1 / metres.
        noise: standard deviation of one pixel as a share of its depth.
    """

    values: NDArray[np.float32]
    valid: Mask
    middle: int
    peak: tuple[float, float]
    inverse: float
    noise: float

    def seen_by(self, window: Window) -> tuple[NDArray[np.float32], Mask]:
        """Values and validity of a window's pixels, both [N]."""
        u, v = (window.offsets + self.middle).T
        return self.values[v, u], self.valid[v, u]

    def distances(self, window: Window) -> NDArray[np.float64]:
        """Pixels from the peak to each of a window's, float64 [N]."""
        du, dv = self.peak
        return np.asarray(np.hypot(window.offsets[:, 0] - du, window.offsets[:, 1] - dv))

    def radius(self, length: float, focal_length: float) -> float:
        """Pixels that a length in metres has at the peak's depth."""
        return length * focal_length * self.inverse

    def millimetres(self, value: float) -> float:
        """How much depth a difference of values is at the peak."""
        return 1000 * value * self.noise / self.inverse

    def slope(self, radius: int) -> NDArray[np.float64]:
        """Values per pixel along u and v, float64 [2], unmoved by steps."""
        square = np.s_[self.middle - radius : self.middle + radius + 1]
        values = self.values[square, square]
        valid = self.valid[square, square] & (np.abs(values) <= 4 + _LARGEST_RISE / self.noise)
        slopes = []
        for before, after in (
            (np.s_[:, :-_SPAN], np.s_[:, _SPAN:]),
            (np.s_[:-_SPAN], np.s_[_SPAN:]),
        ):
            both = valid[before] & valid[after]
            differences = (values[after] - values[before])[both]
            slopes.append(median(differences) / _SPAN if len(differences) > 8 else 0.0)
        return np.array(slopes)


def look_around(
    depth: NDArray[np.float32],
    place: NDArray[np.float64],
    bounds: tuple[float, float],
    noise: float,
) -> Neighbourhood:
    """What a depth image shows around a place.

    Args:
        depth: float32 [H, W], metres.
        place: float64 [2], (u, v) within the depth image, pixels.
        bounds: nearest and farthest depth, metres; others are holes.
        noise: standard deviation of one pixel as a share of its depth; where the pixels are
            clearly noisier, what is measured counts.

    Raises:
        SurfaceMissing: the place lies in a hole, or many holes are next to it.
    """
    nearest, farthest = bounds
    column, row = np.floor(place + 0.5).astype(int).tolist()
    own = float(depth[row, column])
    if not math.isfinite(own) or own <= 0:
        raise SurfaceMissing('the depth image has a hole at the peak')
    if not nearest <= own <= farthest:
        raise SurfaceMissing(
            f'the depth at the peak, {own:.2f} m, is out of the range from '
            f'{nearest:g} to {farthest:g} m'
        )
    crop = np.zeros((2 * REACH + 1, 2 * REACH + 1), np.float32)
    top, left = max(0, row - REACH), max(0, column - REACH)
    part = depth[top : row + REACH + 1, left : column + REACH + 1]
    top, left = top - row + REACH, left - column + REACH
    crop[top : top + part.shape[0], left : left + part.shape[1]] = part
    valid = (crop >= nearest) & (crop <= farthest)
    du, dv = (place - (column, row)).tolist()
    close = disc_window(5)
    distances = np.hypot(close.offsets[:, 0] - du, close.offsets[:, 1] - dv)
    near = close.offsets[distances <= _HOLE_RADIUS] + REACH
    inside = _inside(near, (top, left), part.shape)
    near = near[inside]
    depths = crop[near[:, 1], near[:, 0]][valid[near[:, 1], near[:, 0]]]
    if len(depths) < _LEAST_VALID * len(near):
        share = 100 * (1 - len(depths) / len(near))
        raise SurfaceMissing(f'{share:.0f} % of the depth image around the peak are holes')
    inverse = 1 / median(depths)
    noise = math.hypot(noise, _RESOLUTION * inverse)
    values = np.divide(1, crop, out=np.zeros_like(crop), where=valid)
    values = np.where(valid, (values / inverse - 1) / noise, 0).astype(np.float32)
    excess = _roughness(values, valid)
    if excess > _CLEAR_EXCESS:
        noise *= excess
        values /= np.float32(excess)
    return Neighbourhood(values, valid, REACH, (du, dv), inverse, noise)


def _roughness(values: NDArray[np.float32], valid: Mask) -> float:
    """Standard deviation from pixel to pixel next to the middle; no slope and few edges add to it.

    Edges run along rows or along columns; the smoother of both directions counts.
    """
    square = np.s_[REACH - _ROUGH_REACH : REACH + _ROUGH_REACH + 1]
    deviations = []
    for along, known in (
        (values[square, square], valid[square, square]),
        (values[square, square].T, valid[square, square].T),
    ):
        bends = along[2:] - 2 * along[1:-1] + along[:-2]
        bends = np.abs(bends[known[2:] & known[1:-1] & known[:-2]])
        # Of normal noise, the median of the sizes is 0.6745 deviations, and of bends root 6 more.
        deviations.append(median(bends) / 1.652 if len(bends) > 50 else 0.0)
    return min(deviations)


def _inside(pixels: NDArray[np.int64], start: tuple[int, int], shape: tuple[int, ...]) -> Mask:
    """Which pixels (u, v) lie in a part of the crop that starts at (row, column)."""
    first = np.array([start[1], start[0]])
    return np.asarray(((pixels >= first) & (pixels < first + shape[::-1])).all(axis=1))
