# SPDX-License-Identifier: Apache-2.0
"""Surface points in a depth image: at a pixel, or where a surface stands out most near it.

A plane is fitted first in a small window around the peak and then in a large one. Windows are
round. Their radii are lengths on the surface, so that they cover the same part of an object from
near and far. Limits in pixels ensure enough pixels to average out noise, and bound the time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afformer_core.geometry.camera import Calibration, DepthImage, DepthSettings
from afformer_core.geometry.plane_fit import (
    DESIGN,
    NEAREST,
    REACH,
    FoundStep,
    Mask,
    Neighbourhood,
    NoSurfaceError,
    PixelDisc,
    PlaneFit,
    disc_window,
    fit_surface,
    median,
    search_nearby,
)

FloatArray = NDArray[np.float64]

# Pixels to each side over which derivatives of the rays are measured.
_RAY_REACH = 4.0
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
# Pixels around the peak whose median is its depth.
_MEDIAN_RADIUS = 3.0
# Maximum distance of the plane behind the median of the pixels next to the peak, as a share of the
# depth.
_LARGEST_CHANGE = 0.5
_LARGEST_NORMAL_DEVIATION = math.radians(5)
# Standard deviation of a peak, pixels of the image in each direction.
_PIXEL_DEVIATION = 1.0
_TOO_SMALL = 'the surface at the peak is too small in the depth image'


@dataclass(frozen=True)
class SurfacePoint:
    """A point of a surface, or the reason why there is none.

    Attributes:
        position: float64 [3] metres in the camera's frame; None if unknown.
        covariance: float64 [3, 3] square metres, of the position; None if unknown. Along the ray
            it is the averaged noise of the depth; in the surface it is one pixel of the peak.
        normal: float64 [3], unit length, towards the camera; None if unknown, even if the position
            is known.
        problem: reason why there is no position, one sentence; '' if there is one.
    """

    position: FloatArray | None
    covariance: FloatArray | None
    normal: FloatArray | None
    problem: str

    @classmethod
    def unknown(cls, problem: str) -> SurfacePoint:
        """Return a surface point without a position, with the reason."""
        return cls(position=None, covariance=None, normal=None, problem=problem)


def measure_surfaces(
    depth: DepthImage,
    calibration: Calibration,
    image_size: tuple[int, int],
    peaks: ArrayLike,
    settings: DepthSettings,
) -> tuple[SurfacePoint, ...]:
    """Measure the surfaces at pixels of an image.

    There is no point at a hole, near holes that leave too few pixels, or across a depth edge. A
    depth edge is a pixel next to the peak that is not on the peak's surface, or a window that two
    planes with a step between them fit better than one plane. The depth is the median of the
    neighbours on the peak's surface, moved to the peak along their plane. The normal is that of
    the plane through the peak's surface in a larger window; it is known if its standard deviation
    is below 5 degrees.

    Args:
        depth: depth image registered to the image, see `alignment_problem`, of the same aspect
            ratio.
        calibration: calibration of the image's camera.
        image_size: (height, width) of the image.
        peaks: [P, 2], each (u, v), column and row in pixels of the image, the first pixel's centre
            at (0, 0).
        settings: noise and range of the depth camera.

    Returns:
        the surface point of each peak in the camera's frame.
    """
    pixels = np.asarray(peaks, np.float64).reshape(-1, 2)
    height, width = depth.size
    scale = np.array([width / image_size[1], height / image_size[0]])
    points = []
    for pixel in pixels:
        try:
            points.append(_surface_point(depth, calibration, scale, pixel, settings))
        except NoSurfaceError as problem:
            points.append(SurfacePoint.unknown(str(problem)))
    return tuple(points)


def _surface_point(
    depth: DepthImage,
    calibration: Calibration,
    scale: FloatArray,
    pixel: FloatArray,
    settings: DepthSettings,
) -> SurfacePoint:
    """Measure the surface at a pixel.

    The inverse depth of a plane is a x + b y + c at the ray (x, y), and (a, b, c) its normal. All
    three are divided by the inverse depth at the peak.

    Raises:
        NoSurfaceError: there is none; the message is the reason.
    """
    position = (pixel + 0.5) * scale - 0.5
    ray, changes = _ray(calibration, pixel, position, scale, depth.size)
    bounds = (settings.nearest_depth, settings.farthest_depth)
    around = search_nearby(depth, position, bounds, settings.depth_noise)
    focal_length = calibration.focal_length * float(scale[0] + scale[1]) / 2
    small = _small_plane(around, focal_length)
    plane = _large_plane(around, focal_length, small)
    distance, deviation = _distance(around, small)
    per_ray = np.linalg.inv(changes).T
    per_ray *= around.noise / (REACH * (1 + around.noise * plane.at(around.peak)))
    gradient = per_ray @ plane.coefficients[1:]
    normal = np.append(gradient, 1 - gradient @ ray)
    length = float(np.linalg.norm(normal))
    normal /= -length
    spreads = np.concatenate([per_ray, -(ray @ per_ray)[None]]) / length
    spreads -= np.outer(normal, normal @ spreads)
    variances = spreads @ plane.covariance[1:, 1:] @ spreads.T
    sure = np.linalg.eigvalsh(variances)[-1] <= _LARGEST_NORMAL_DEVIATION**2
    # movement of the point along the surface with each pixel of the image
    direction = np.append(ray, 1.0)
    moves = -np.outer(direction, gradient @ changes)
    moves[:2] += changes
    moves *= distance * scale * _PIXEL_DEVIATION
    along = distance * deviation * direction
    return SurfacePoint(
        position=calibration.centre + distance * direction,
        covariance=np.outer(along, along) + moves @ moves.T,
        normal=normal if sure else None,
        problem='',
    )


def _ray(
    calibration: Calibration,
    pixel: FloatArray,
    position: FloatArray,
    scale: FloatArray,
    size: tuple[int, int],
) -> tuple[FloatArray, FloatArray]:
    """Compute the ray [2] of a pixel, and its derivatives [2, 2] by pixels of the depth image.

    The derivatives are constant across a window for any lens.
    """
    height, width = size
    if not np.all((position >= -0.5) & (position < [width - 0.5, height - 0.5])):
        u, v = pixel.tolist()
        raise NoSurfaceError(f'the peak ({u:.1f}, {v:.1f}) lies outside the image')
    seen = position + _RAY_REACH * np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])
    rays = calibration.rays((seen + 0.5) / scale - 0.5)
    changes = np.stack([rays[1] - rays[2], rays[3] - rays[4]], axis=1) / (2 * _RAY_REACH)
    # where the determinant is 0, rays of different pixels coincide
    determinant = changes[0, 0] * changes[1, 1] - changes[0, 1] * changes[1, 0]
    if not (np.isfinite(rays).all() and determinant != 0):
        raise NoSurfaceError(
            'the distortion of the camera cannot be undone at the peak; check the calibration'
        )
    return rays[0], changes


@dataclass(frozen=True)
class _SurfacePlane:
    """The plane of a surface, in the design of the windows.

    Attributes:
        nearest: bool [NEAREST], True for pixels next to the peak that lie on the surface.
        residuals: float32 [NEAREST], values of those pixels minus the plane's.
        coefficients: float64 [3].
        covariance: float64 [3, 3], of the coefficients.
        beside: bool [M], pixels of the largest window that no step cuts off the surface.
    """

    nearest: Mask
    residuals: NDArray[np.float32]
    coefficients: FloatArray
    covariance: FloatArray
    beside: Mask

    def at(self, position: FloatArray) -> float:
        """Return the plane's value at a position, (u, v) from the middle, pixels."""
        return float(self.coefficients[0] + self.coefficients[1:] @ position / REACH)


def _small_plane(around: Neighbourhood, focal_length: float) -> _SurfacePlane:
    """Fit the plane next to the peak.

    Raises:
        NoSurfaceError: there is a depth edge, or too few pixels of the surface.
    """
    window = _window(_SMALL_WINDOW, around, focal_length)
    values, valid = around.seen_by(window)
    slopes = np.append(0, around.slopes(window.radius) * REACH)
    fit = _fitted(around, window, values - _seen(slopes, window.count), valid)
    if fit is None:
        raise NoSurfaceError(_TOO_SMALL)
    coefficients = fit.coefficients + slopes
    residuals = values[:NEAREST] - _seen(coefficients, NEAREST)
    near = around.near(_EDGE_RADIUS) & valid[:NEAREST]
    largest = float((np.abs(residuals) * near).max())
    if largest > _LARGEST_JUMP:
        jump = around.millimetres(largest)
        raise NoSurfaceError(f'the depth jumps by {jump:.0f} mm next to the peak')
    nearest = fit.pixels[:NEAREST]
    return _SurfacePlane(nearest, residuals, coefficients, fit.covariance, fit.beside)


def _large_plane(
    around: Neighbourhood, focal_length: float, small: _SurfacePlane
) -> _SurfacePlane:
    """Fit the plane in the large window; keep the small one if too few pixels are left.

    Smaller steps are found in the large window than in the small one. Pixels that the small plane
    excludes stay excluded.

    Raises:
        NoSurfaceError: there is a depth edge.
    """
    window = _window(_LARGE_WINDOW, around, focal_length)
    values, valid = around.seen_by(window)
    values = values - _seen(small.coefficients, window.count)
    pixels = valid & (np.abs(values) <= _LARGEST_DEPARTURE) & small.beside[: window.count]
    fit = _fitted(around, window, values, pixels)
    if fit is None:
        return small
    coefficients = fit.coefficients + small.coefficients
    return replace(small, coefficients=coefficients, covariance=fit.covariance)


def _window(
    limits: tuple[float, int, int], around: Neighbourhood, focal_length: float
) -> PixelDisc:
    length, least, most = limits
    radius = length * focal_length * around.inverse
    return disc_window(round(min(max(radius, least), most)))


def _seen(coefficients: FloatArray, count: int) -> NDArray[np.float32]:
    """Return values [N] of a plane at the first pixels of the largest window."""
    return np.asarray(DESIGN[:count, :3] @ coefficients.astype(np.float32))


def _fitted(
    around: Neighbourhood, window: PixelDisc, values: NDArray[np.float32], pixels: Mask
) -> PlaneFit | None:
    least_step = _LEAST_STEP * around.inverse / around.noise
    fit = fit_surface(window, values, pixels, around.peak, least_step, _STEP_DISTANCE)
    if isinstance(fit, FoundStep):
        raise NoSurfaceError(
            f'a depth edge of {around.millimetres(fit.height):.0f} mm runs '
            f'{fit.distance:.1f} pixels from the peak'
        )
    return fit


def _distance(around: Neighbourhood, surface: _SurfacePlane) -> tuple[float, float]:
    """Compute the depth at the peak, and its standard deviation as a share."""
    near = around.near(_MEDIAN_RADIUS) & surface.nearest
    count = int(near.sum())
    if not count:
        raise NoSurfaceError(_TOO_SMALL)
    relative = around.noise * (surface.at(around.peak) + median(surface.residuals[near]))
    if relative < -_LARGEST_CHANGE:
        raise NoSurfaceError('the noise of the depth hides the surface at the peak')
    # the variance of the median of n normal numbers is pi / 2 times that of their mean
    deviation = around.noise * math.sqrt(math.pi / 2 / count)
    return 1 / (around.inverse * (1 + relative)), deviation


# Searched rings around a peak, as shares of the tolerance, and the number of directions on each.
_RINGS = (1 / 3, 2 / 3, 1.0)
_DIRECTIONS = 8
# Maximum number of measured pixels of a ring, nearest to the camera first; each takes time.
_MEASURED = 3
# Metres behind the nearest surface that count as equally near: the thickness of an operated part.
_SAME = 0.03
# Margin, in standard deviations of depth.
_SURE = 3.0


@dataclass(frozen=True)
class PlacedSurface:
    """A surface point, and the pixel that shows it.

    Attributes:
        pixel: (u, v), see `measure_surfaces`.
        surface: surface point there, or the reason why there is none.
    """

    pixel: tuple[float, float]
    surface: SurfacePoint


def prominent_surfaces(
    depth: DepthImage,
    calibration: Calibration,
    image_size: tuple[int, int],
    peaks: ArrayLike,
    tolerance: float,
    settings: DepthSettings,
) -> tuple[PlacedSurface, ...]:
    """Find the surface that stands out most near each peak, as near as depth is reliable.

    An operated element stands out from its background: if a peak lies beside a handle, its own
    pixel shows the wall. A peak stays where it is if its surface is known and nothing within the
    tolerance is clearly nearer to the camera; otherwise the surface nearest to the camera is used,
    at the smallest distance from the peak at which it is known. If there is none, and the peak's
    own surface is unknown, any other known surface within the tolerance is used.

    Args:
        depth, calibration, image_size, settings: see `measure_surfaces`.
        peaks: [P, 2], each (u, v) in pixels of the image.
        tolerance: maximum error of a peak in pixels; 0: none.

    Returns:
        the surface of each peak; without a known surface, the peak itself and the reason.
    """
    pixels = np.asarray(peaks, np.float64).reshape(-1, 2)
    measure = partial(_measured, depth, calibration, image_size, settings)
    placed = measure(pixels)
    if not tolerance > 0 or not placed:
        return tuple(placed)
    around = pixels[:, None] + tolerance * _OFFSETS
    seen = _depths(depth, image_size, around, settings)
    return tuple(map(partial(_prominent, measure, settings.depth_noise), placed, around, seen))


def _prominent(
    measure: Callable[[FloatArray], list[PlacedSurface]],
    noise: float,
    own: PlacedSurface,
    around: FloatArray,
    seen: FloatArray,
) -> PlacedSurface:
    """Find the surface that stands out most near a peak.

    Args:
        measure: measures the surfaces at positions [M, 2].
        noise: standard deviation of depth as a share.
        own: surface at the peak itself.
        around: [N, 2], positions on the rings, from the inner to the outer one.
        seen: [N], depth of their pixels; infinite if unknown.
    """
    limit = float(seen.min()) * (1 + _SURE * noise) + _SAME
    foreground = seen <= limit
    groups = []
    if _depth_of(own) > limit:
        groups.append(foreground)
    if own.surface.position is None:
        groups.append(~foreground)
    for group in groups:
        depths = np.where(group, seen, np.inf).reshape(len(_RINGS), _DIRECTIONS)
        for ring, positions in zip(depths, around.reshape(*depths.shape, 2), strict=True):
            first = np.argsort(ring, kind='stable')[:_MEASURED]
            found = measure(positions[first[np.isfinite(ring[first])]])
            if found and math.isfinite(_depth_of(best := min(found, key=_depth_of))):
                return best
    return own


def _measured(
    depth: DepthImage,
    calibration: Calibration,
    image_size: tuple[int, int],
    settings: DepthSettings,
    positions: FloatArray,
) -> list[PlacedSurface]:
    surfaces = measure_surfaces(depth, calibration, image_size, positions, settings)
    return [
        PlacedSurface((u, v), surface)
        for (u, v), surface in zip(positions.tolist(), surfaces, strict=True)
    ]


def _depth_of(placed: PlacedSurface) -> float:
    """Return metres along the optical axis; infinite if unknown."""
    position = placed.surface.position
    return math.inf if position is None else float(position[2])


def _depths(
    depth: DepthImage,
    image_size: tuple[int, int],
    positions: FloatArray,
    settings: DepthSettings,
) -> FloatArray:
    """Return depth [P, N] at the pixels nearest to positions [P, N, 2]; infinite if unknown."""
    height, width = depth.size
    scale = np.array([width / image_size[1], height / image_size[0]])
    columns, rows = np.moveaxis(np.floor((positions + 0.5) * scale).astype(int), -1, 0)
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    seen = depth.at(rows.clip(0, height - 1) * width + columns.clip(0, width - 1))
    return np.where(inside & settings.cover(seen), seen, np.inf)


_ANGLES = 2 * math.pi / _DIRECTIONS * np.arange(_DIRECTIONS)
_OFFSETS = np.concatenate(
    [share * np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1) for share in _RINGS]
)
