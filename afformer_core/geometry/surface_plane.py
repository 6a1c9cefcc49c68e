# SPDX-License-Identifier: Apache-2.0
"""The plane of the surface that a peak lies on, first in a small window and then in a large one.

Windows are round. Their radii are lengths on the surface, so that they see the same of an object
from near and far, within limits in pixels: at least so many that noise averages out, at most so
many that there is time for them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from afformer_core.geometry.neighbourhood import REACH, Neighbourhood, SurfaceMissing
from afformer_core.geometry.plane_fit import (
    FloatArray,
    Mask,
    Plane,
    Step,
    Window,
    beside,
    disc_window,
    fit_surface,
)

# Metres, and pixels at least and at most.
_SMALL_WINDOW = (0.010, 7, 9)
_LARGE_WINDOW = (0.020, 9, REACH)
# Pixels around the peak that must all lie on its surface.
_EDGE_RADIUS = 1.7
# Standard deviations of one pixel by which a pixel next to the peak may be off its surface.
_LARGEST_JUMP = 4.5
# The same for pixels of the large window, to which the small window's plane must be carried on.
_LARGEST_DEPARTURE = 8.0
# Metres. A smaller step is no edge to a hand, however sure it is.
_LEAST_STEP = 0.002
# Pixels between the peak and a step that does not matter to it.
_STEP_DISTANCE = 1.75


@dataclass(frozen=True)
class SurfacePlane:
    """A plane, and the window whose design its coefficients belong to."""

    window: Window
    plane: Plane


def small_plane(around: Neighbourhood, focal_length: float) -> SurfacePlane:
    """The plane next to the peak.

    Args:
        around: of the peak.
        focal_length: of the depth image, pixels.

    Raises:
        SurfaceMissing: a depth edge lies at the peak, or the surface has too few pixels.
    """
    window = _window(_SMALL_WINDOW, around, focal_length)
    values, valid = around.seen_by(window)
    slope = np.array([0, *(around.slope(window.radius) * window.radius)], np.float32)
    plane = _fit(around, window, values - window.design @ slope, valid)
    if plane is None:
        raise SurfaceMissing('the surface at the peak is too small in the depth image')
    plane = Plane(plane.pixels, plane.coefficients + slope, plane.covariance, plane.cuts)
    jumps = np.abs(values - window.design @ plane.coefficients.astype(np.float32))
    near = (around.distances(window) <= _EDGE_RADIUS) & valid
    largest = float(jumps[near].max(initial=0))
    if largest > _LARGEST_JUMP:
        raise SurfaceMissing(
            f'the depth jumps by {around.millimetres(largest):.0f} mm next to the peak'
        )
    return SurfacePlane(window, plane)


def large_plane(around: Neighbourhood, focal_length: float, small: SurfacePlane) -> SurfacePlane:
    """The plane in the large window; the small one where that shows too few pixels.

    Smaller steps are found in the large window than in the small one.

    Args:
        around: of the peak.
        focal_length: of the depth image, pixels.
        small: the plane next to the peak; what it was cut off from stays cut off.

    Raises:
        SurfaceMissing: a depth edge lies at the peak.
    """
    window = _window(_LARGE_WINDOW, around, focal_length)
    values, valid = around.seen_by(window)
    growth = window.radius / small.window.radius
    rescaled = small.plane.coefficients * [1, growth, growth]
    values = values - window.design @ rescaled.astype(np.float32)
    pixels = valid & (np.abs(values) <= _LARGEST_DEPARTURE)
    for cut in small.plane.cuts:
        pixels &= beside(window, cut)
    plane = _fit(around, window, values, pixels)
    if plane is None:
        return small
    plane = Plane(plane.pixels, plane.coefficients + rescaled, plane.covariance, plane.cuts)
    return SurfacePlane(window, plane)


def _window(limits: tuple[float, int, int], around: Neighbourhood, focal_length: float) -> Window:
    length, least, most = limits
    return disc_window(int(min(max(round(around.radius(length, focal_length)), least), most)))


def _fit(around: Neighbourhood, window: Window, values: FloatArray, pixels: Mask) -> Plane | None:
    least_step = _LEAST_STEP * around.inverse / around.noise
    found = fit_surface(window, values, pixels, around.peak, least_step, _STEP_DISTANCE)
    if isinstance(found, Step):
        raise SurfaceMissing(
            f'a depth edge of {around.millimetres(found.height):.0f} mm runs '
            f'{found.place:.1f} pixels from the peak'
        )
    return found
