# SPDX-License-Identifier: Apache-2.0
"""The planes of the surfaces at peaks, first in a small window and then in a large one.

Windows are round. Their radii are lengths on the surface, so that they cover the same part of an
object from near and far. Limits in pixels ensure enough pixels to average out noise, and bound the
time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.neighbourhood import (
    DESIGN,
    NEAREST,
    REACH,
    FloatArray,
    Mask,
    Neighbourhoods,
    PixelDisc,
    disc_windows,
)
from afformer_core.geometry.plane_fit import Fits, fit_surfaces

# Radius in metres, and smallest and largest radius in pixels.
_SMALL_WINDOW = (0.010, 7, 9)
_LARGE_WINDOW = (0.020, 9, REACH)
# Pixels around the peak that must all lie on its surface.
_EDGE_RADIUS = 1.7
# Maximum distance of a pixel next to the peak from its surface, in standard deviations of one
# pixel.
_LARGEST_JUMP = 4.5
# The same for pixels of the large window, to which the small window's plane is extrapolated.
_LARGEST_DEPARTURE = 8.0
# Metres; a smaller step does not matter to a hand, even if it is certain.
_LEAST_STEP = 0.002
# Distance in pixels beyond which a step does not affect the peak.
_STEP_DISTANCE = 1.75


@dataclass(frozen=True)
class SurfacePlanes:
    """Planes of P surfaces, in the design of the windows.

    Attributes:
        nearest: bool [P, NEAREST], True for pixels next to the peak that lie on the surface.
        residuals: float32 [P, NEAREST], values of those pixels minus the plane's.
        coefficients: float64 [P, 3].
        covariances: float64 [P, 3, 3], of the coefficients.
        beside: bool [P, M], pixels of the largest window that no step cuts off the surface.
    """

    nearest: Mask
    residuals: FloatArray
    coefficients: NDArray[np.float64]
    covariances: NDArray[np.float64]
    beside: Mask

    def of(self, rows: Mask) -> SurfacePlanes:
        """Return the planes of some of the surfaces, bool [P]."""
        if rows.all():
            return self
        return SurfacePlanes(
            self.nearest[rows],
            self.residuals[rows],
            self.coefficients[rows],
            self.covariances[rows],
            self.beside[rows],
        )

    def at(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the planes' values [P] at positions [P, 2], (u, v) from the middle, pixels."""
        slopes = self.coefficients[:, 1:]
        return np.asarray(self.coefficients[:, 0] + (slopes * positions).sum(axis=1) / REACH)


def small_planes(around: Neighbourhoods, focal_length: float) -> tuple[SurfacePlanes, list[str]]:
    """Fit the planes next to the peaks.

    Args:
        around: neighbourhoods of the peaks.
        focal_length: focal length of the depth image, pixels.

    Returns:
        the planes of the peaks that have one; and for each peak '', or the reason why it has none
        (a depth edge, or too few pixels of the surface).
    """
    radii = _radii(_SMALL_WINDOW, around, focal_length)
    windows, inside = disc_windows(radii)
    values, valid = around.seen_by(inside)
    slopes = np.zeros((len(radii), 3))
    slopes[:, 1:] = around.slopes(radii) * REACH
    fits = _fitted(around, windows, values - _seen(slopes, len(inside.T)), valid)
    coefficients = fits.coefficients + slopes
    residuals = values[:, :NEAREST] - _seen(coefficients, NEAREST)
    near = around.near(_EDGE_RADIUS) & valid[:, :NEAREST]
    largest = (np.abs(residuals) * near).max(axis=1)
    problems = []
    for row, found in enumerate(fits.found):
        problem = _edge(around, fits, row)
        if not problem and not found:
            problem = 'the surface at the peak is too small in the depth image'
        if not problem and largest[row] > _LARGEST_JUMP:
            jump = around.millimetres(row, largest[row])
            problem = f'the depth jumps by {jump:.0f} mm next to the peak'
        problems.append(problem)
    nearest = fits.pixels[:, :NEAREST]
    planes = SurfacePlanes(nearest, residuals, coefficients, fits.covariances, fits.beside)
    return planes.of(_without(problems)), problems


def large_planes(
    around: Neighbourhoods, focal_length: float, small: SurfacePlanes
) -> tuple[SurfacePlanes, list[str]]:
    """Fit the planes in the large windows; keep the small ones if too few pixels are left.

    Smaller steps are found in the large windows than in the small ones.

    Args:
        around: neighbourhoods of the peaks.
        focal_length: focal length of the depth image, pixels.
        small: planes next to the peaks; pixels that they exclude stay excluded.

    Returns:
        the planes of the peaks that have one; and for each peak '', or the reason why it has none
        (a depth edge).
    """
    windows, inside = disc_windows(_radii(_LARGE_WINDOW, around, focal_length))
    values, valid = around.seen_by(inside)
    values = values - _seen(small.coefficients, len(inside.T))
    pixels = valid & (np.abs(values) <= _LARGEST_DEPARTURE)
    pixels &= small.beside[:, : len(inside.T)]
    fits = _fitted(around, windows, values, pixels)
    coefficients = np.where(fits.found[:, None], fits.coefficients, 0) + small.coefficients
    covariances = np.where(fits.found[:, None, None], fits.covariances, small.covariances)
    residuals = values[:, :NEAREST] - _seen(coefficients - small.coefficients, NEAREST)
    nearest = fits.pixels[:, :NEAREST]
    planes = SurfacePlanes(
        nearest, residuals, coefficients, covariances, small.beside & fits.beside
    )
    problems = [_edge(around, fits, row) for row in range(len(windows))]
    return planes.of(_without(problems)), problems


def _radii(
    limits: tuple[float, int, int], around: Neighbourhoods, focal_length: float
) -> NDArray[np.int64]:
    """Return the radii [P] of the windows, pixels."""
    length, least, most = limits
    radii = np.rint(around.radii(length, focal_length).clip(least, most))
    return np.asarray(radii, np.int64)


def _seen(coefficients: NDArray[np.float64], count: int) -> FloatArray:
    """Return values [P, N] of planes at the first pixels of the largest window."""
    return np.asarray(coefficients.astype(np.float32) @ DESIGN[:count, :3].T)


def _fitted(
    around: Neighbourhoods, windows: list[PixelDisc], values: FloatArray, pixels: Mask
) -> Fits:
    least_steps = _LEAST_STEP * around.inverse / around.noise
    return fit_surfaces(windows, values, pixels, around.peaks, least_steps, _STEP_DISTANCE)


def _edge(around: Neighbourhoods, fits: Fits, row: int) -> str:
    step = fits.steps[row]
    if step is None:
        return ''
    return (
        f'a depth edge of {around.millimetres(row, step.height):.0f} mm runs '
        f'{step.distance:.1f} pixels from the peak'
    )


def _without(problems: list[str]) -> Mask:
    return np.array([not problem for problem in problems], bool)
