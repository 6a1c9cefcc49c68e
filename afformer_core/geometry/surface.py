# SPDX-License-Identifier: Apache-2.0
"""The surface that a depth image shows at a pixel: point, normal, and how sure they are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.calibration import Calibration
from afformer_core.geometry.depth_image import DepthImage
from afformer_core.geometry.median import median
from afformer_core.geometry.neighbourhood import Neighbourhood, SurfaceMissing, look_around
from afformer_core.geometry.surface_plane import SurfacePlane, large_plane, small_plane

# Pixels around the peak whose median is its depth.
_MEDIAN_RADIUS = 3.0
# As a share, how far the plane may lie behind the median of the pixels next to the peak.
_LARGEST_CHANGE = 0.5
_LARGEST_NORMAL_DEVIATION = math.radians(5)
# Standard deviation of a peak, pixels of the image in each direction.
_PIXEL_DEVIATION = 1.0


@dataclass(frozen=True)
class SurfaceSettings:
    """What is known of a depth camera.

    Attributes:
        noise: standard deviation of one pixel's depth as a share of the depth, at most 0.2. Where
            neighbouring pixels clearly differ by more, that counts.
        nearest, farthest: metres; depths outside are taken for holes.
    """

    noise: float = 0.005
    nearest: float = 0.1
    farthest: float = 10.0

    def __post_init__(self) -> None:
        if not 0 < self.noise <= 0.2:
            raise ValueError(
                f'the noise of depth is {self.noise}; it must be above 0 and at most 0.2'
            )
        if not 0 < self.nearest < self.farthest < math.inf:
            raise ValueError(
                f'depths from {self.nearest} to {self.farthest} metres are used; the nearest must '
                'be above 0 and below the farthest'
            )


@dataclass(frozen=True)
class SurfacePoint:
    """A point of a surface, or why there is none.

    Attributes:
        position: float64 [3] metres in the camera's frame; None where unknown.
        covariance: float64 [3, 3] square metres, of the position; None where unknown. Along the
            ray it is the noise of the depth, averaged; in the surface it is one pixel of the peak.
        normal: float64 [3], unit length, towards the camera; None where unknown, which it may be
            though the position is known.
        problem: one sentence why there is no position; '' where there is one.
    """

    position: NDArray[np.float64] | None
    covariance: NDArray[np.float64] | None
    normal: NDArray[np.float64] | None
    problem: str

    def __post_init__(self) -> None:
        known = self.position is not None
        if known != (self.covariance is not None) or known != (self.problem == ''):
            raise ValueError('a surface point has a position and a covariance, or else a problem')
        if self.normal is not None and not known:
            raise ValueError('a surface point without a position has a normal')

    @classmethod
    def unknown(cls, problem: str) -> SurfacePoint:
        """No point, and why."""
        return cls(position=None, covariance=None, normal=None, problem=problem)


def measure_surface(
    depth: DepthImage,
    calibration: Calibration,
    image_size: tuple[int, int],
    u: float,
    v: float,
    settings: SurfaceSettings,
) -> SurfacePoint:
    """The surface at a pixel of an image.

    There is no point from a hole, nor near holes that leave too little, nor across a depth edge:
    not where a pixel next to the peak is off the peak's surface, nor where the window fits two
    planes with a step between them better than one. The depth is the median of the neighbours on
    the peak's surface, brought to the peak along their plane. The normal is that of the plane
    through a larger window, of which only the peak's surface counts; there is one where its
    standard deviation is below 5 degrees.

    Args:
        depth: registered to the image, see `alignment_problem`; of its size, or of another with
            the same aspect ratio.
        calibration: of the image's camera.
        image_size: (height, width) of the image.
        u, v: column and row in pixels of the image, the first pixel's centre at (0, 0).
        settings: what is known of the depth camera.

    Returns:
        the surface point in the camera's frame.
    """
    height, width = depth.size
    scale = np.array([width / image_size[1], height / image_size[0]])
    place = (np.array([u, v]) + 0.5) * scale - 0.5
    if not ((place >= -0.5) & (place < [width - 0.5, height - 0.5])).all():
        return SurfacePoint.unknown(f'the peak ({u:.1f}, {v:.1f}) lies outside the image')
    focal_length = calibration.focal_length * float(scale.mean())
    try:
        ray, change = _ray(calibration, place, scale)
        around = look_around(
            depth.values, place, (settings.nearest, settings.farthest), settings.noise
        )
        small = small_plane(around, focal_length)
        large = large_plane(around, focal_length, small)
        distance, deviation = _distance(around, small)
    except SurfaceMissing as missing:
        return SurfacePoint.unknown(str(missing))
    normal, gradient = _normal(around, large, ray, change)
    direction = np.append(ray, 1.0)
    # How the point moves along the surface with each pixel of the image.
    moves = np.concatenate([change, np.zeros((1, 2))]) - np.outer(direction, gradient @ change)
    moves *= distance * scale * _PIXEL_DEVIATION
    along = distance * deviation * direction
    return SurfacePoint(
        position=calibration.centre + distance * direction,
        covariance=np.outer(along, along) + moves @ moves.T,
        normal=normal,
        problem='',
    )


def _ray(
    calibration: Calibration, place: NDArray[np.float64], scale: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The ray [2] of a place in the depth image, and its change [2, 2] with each pixel.

    Across a window, the rays of any lens change evenly.
    """
    reach = 4.0
    moves = np.array([[0, 0], [reach, 0], [-reach, 0], [0, reach], [0, -reach]])
    rays = calibration.rays((place + moves + 0.5) / scale - 0.5)
    if not np.isfinite(rays).all():
        raise SurfaceMissing(
            'the distortion of the camera cannot be undone at the peak; check the calibration'
        )
    change = np.stack([rays[1] - rays[2], rays[3] - rays[4]], axis=1) / (2 * reach)
    return rays[0], change


def _distance(around: Neighbourhood, surface: SurfacePlane) -> tuple[float, float]:
    """Depth at the peak, metres, and its standard deviation as a share of it."""
    window, plane = surface.window, surface.plane
    near = (around.distances(window) <= _MEDIAN_RADIUS) & plane.pixels
    count = np.count_nonzero(near)
    if not count:
        raise SurfaceMissing('the surface at the peak is too small in the depth image')
    values, _ = around.seen_by(window)
    residuals = values[near] - window.design[near] @ plane.coefficients
    value = around.noise * (_at_peak(around, surface) + median(residuals))
    if value < -_LARGEST_CHANGE:
        raise SurfaceMissing('the noise of the depth hides the surface at the peak')
    # The median of n normal numbers varies pi / 2 times as much as their mean.
    deviation = around.noise * math.sqrt(math.pi / 2 / count)
    return 1 / (around.inverse * (1 + value)), deviation


def _at_peak(around: Neighbourhood, surface: SurfacePlane) -> float:
    place = np.array([surface.window.radius, *around.peak]) / surface.window.radius
    return float(place @ surface.plane.coefficients)


def _normal(
    around: Neighbourhood,
    surface: SurfacePlane,
    ray: NDArray[np.float64],
    change: NDArray[np.float64],
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64]]:
    """The plane's normal where it is sure, and the gradient of its inverse depth by the ray.

    The inverse depth of a plane is a x + b y + c at the ray (x, y), and (a, b, c) its normal. All
    three are divided by the inverse depth at the peak.
    """
    plane = surface.plane
    per_ray = np.linalg.inv(change).T * (around.noise / surface.window.radius)
    per_ray /= 1 + around.noise * _at_peak(around, surface)
    gradient = per_ray @ plane.coefficients[1:]
    normal = np.append(gradient, 1 - gradient @ ray)
    length = float(np.linalg.norm(normal))
    normal /= -length
    spread = np.concatenate([per_ray, -(ray @ per_ray)[None]]) / length
    spread -= np.outer(normal, normal @ spread)
    variances = np.linalg.eigvalsh(spread @ plane.covariance[1:, 1:] @ spread.T)
    if variances[-1] > _LARGEST_NORMAL_DEVIATION**2:
        return None, gradient
    return normal, gradient
