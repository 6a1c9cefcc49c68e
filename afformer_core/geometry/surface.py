# SPDX-License-Identifier: Apache-2.0
"""Surface points at pixels of a depth image: positions, normals, and their uncertainty."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afformer_core.geometry.calibration import Calibration, PixelRays, look_at
from afformer_core.geometry.depth_image import DepthImage
from afformer_core.geometry.neighbourhood import (
    REACH,
    Mask,
    Neighbourhoods,
    medians,
    search_nearby,
)
from afformer_core.geometry.surface_plane import SurfacePlanes, large_planes, small_planes

FloatArray = NDArray[np.float64]

# Pixels around the peak whose median is its depth.
_MEDIAN_RADIUS = 3.0
# Maximum distance of the plane behind the median of the pixels next to the peak, as a share of the
# depth.
_LARGEST_CHANGE = 0.5
_LARGEST_NORMAL_DEVIATION = math.radians(5)
# Standard deviation of a peak, pixels of the image in each direction.
_PIXEL_DEVIATION = 1.0


@dataclass(frozen=True, kw_only=True)
class SurfaceSettings:
    """Noise and range of a depth camera.

    Attributes:
        noise: standard deviation of one pixel's depth as a share of the depth, above 0 and at most
            0.2; the measured noise is used instead if it is clearly higher.
        nearest, farthest: metres; depths outside are treated as holes.

    Raises:
        ValueError: a value is out of range.
    """

    noise: float = 0.005
    nearest: float = 0.1
    farthest: float = 10.0

    def __post_init__(self) -> None:
        if not 0 < self.noise <= 0.2:
            raise ValueError(f'noise of depth is {self.noise}; expected above 0 and at most 0.2')
        if not 0 < self.nearest < self.farthest < math.inf:
            raise ValueError(
                f'nearest depth is {self.nearest} m and farthest {self.farthest} m; expected '
                'the nearest above 0 and below the farthest'
            )


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

    Raises:
        ValueError: the attributes contradict each other.
    """

    position: FloatArray | None
    covariance: FloatArray | None
    normal: FloatArray | None
    problem: str

    def __post_init__(self) -> None:
        known = self.position is not None
        if known != (self.covariance is not None) or known != (self.problem == ''):
            raise ValueError(
                f'position is {self.position}, covariance {self.covariance} and problem '
                f'{self.problem!r}; expected a position with a covariance, or else a problem'
            )
        if self.normal is not None and not known:
            raise ValueError(f'normal is {self.normal}; expected None without a position')

    @classmethod
    def unknown(cls, problem: str) -> SurfacePoint:
        """Return a surface point without a position, with the reason."""
        return cls(position=None, covariance=None, normal=None, problem=problem)


def measure_surfaces(
    depth: DepthImage,
    calibration: Calibration,
    image_size: tuple[int, int],
    peaks: ArrayLike,
    settings: SurfaceSettings,
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
    positions = (pixels + 0.5) * scale - 0.5
    focal_length = calibration.focal_length * float(scale[0] + scale[1]) / 2
    bounds = (settings.nearest, settings.farthest)

    pixel_rays, problems = look_at(calibration, pixels, positions, scale, depth.size)
    candidates = _Candidates(problems)
    around, problems = search_nearby(depth, positions[candidates.rows], bounds, settings.noise)
    candidates.keep(problems)
    small, problems = small_planes(around, focal_length)
    around = around.of(candidates.keep(problems))
    large, problems = large_planes(around, focal_length, small)
    kept = candidates.keep(problems)
    around, small = around.of(kept), small.of(kept)
    distances, deviations, problems = _distances(around, small)
    kept = candidates.keep(problems)
    found = _points(
        around.of(kept),
        large.of(kept),
        pixel_rays.of(candidates.rows),
        distances[kept],
        deviations[kept],
    )
    return tuple(
        SurfacePoint.unknown(problem) if problem else next(found)
        for problem in candidates.problems
    )


class _Candidates:
    """The peaks that may still have a surface, and the reasons why the others have none."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        self.rows = np.flatnonzero([not problem for problem in problems])

    def keep(self, problems: list[str]) -> Mask:
        """Keep the candidates without a problem; return a mask of them, bool."""
        if not any(problems):
            return np.ones(len(problems), bool)
        for row, problem in zip(self.rows, problems, strict=True):
            self.problems[row] = problem
        kept = np.array([not problem for problem in problems], bool)
        self.rows = self.rows[kept]
        return kept


def _distances(
    around: Neighbourhoods, surfaces: SurfacePlanes
) -> tuple[FloatArray, FloatArray, list[str]]:
    """Compute depth [P] at the peaks, its standard deviation as a share, and problems."""
    near = around.near(_MEDIAN_RADIUS) & surfaces.nearest
    counts = near.sum(axis=1)
    middles = medians(surfaces.residuals, near)
    relative = around.noise * (surfaces.at(around.peaks) + middles)
    problems = []
    for count, value in zip(counts.tolist(), relative.tolist(), strict=True):
        problem = ''
        if not count:
            problem = 'the surface at the peak is too small in the depth image'
        elif value < -_LARGEST_CHANGE:
            problem = 'the noise of the depth hides the surface at the peak'
        problems.append(problem)
    # the variance of the median of n normal numbers is pi / 2 times that of their mean
    deviations = around.noise * np.sqrt(math.pi / 2 / np.maximum(counts, 1))
    nearer = 1 + relative.clip(-_LARGEST_CHANGE)
    return 1 / (around.inverse * nearer), deviations, problems


def _points(
    around: Neighbourhoods,
    surfaces: SurfacePlanes,
    pixel_rays: PixelRays,
    distances: FloatArray,
    deviations: FloatArray,
) -> Iterator[SurfacePoint]:
    """Compute the points, with their normals if these are known.

    The inverse depth of a plane is a x + b y + c at the ray (x, y), and (a, b, c) its normal. All
    three are divided by the inverse depth at the peak.
    """
    rays, changes = pixel_rays.rays, pixel_rays.changes
    directions = np.concatenate([rays, np.ones((len(rays), 1))], axis=1)
    at_peaks = 1 + around.noise * surfaces.at(around.peaks)
    per_ray = np.linalg.inv(changes).swapaxes(1, 2)
    per_ray *= (around.noise / (REACH * at_peaks))[:, None, None]
    gradients = (per_ray @ surfaces.coefficients[:, 1:, None])[:, :, 0]
    normals = np.concatenate(
        [gradients, 1 - (gradients * rays).sum(axis=1, keepdims=True)], axis=1
    )
    lengths = np.sqrt((normals * normals).sum(axis=1, keepdims=True))
    normals /= -lengths
    spreads = np.concatenate([per_ray, -(rays[:, None] @ per_ray)], axis=1) / lengths[:, :, None]
    spreads -= normals[:, :, None] * (normals[:, None] @ spreads)
    variances = spreads @ surfaces.covariances[:, 1:, 1:] @ spreads.swapaxes(1, 2)
    sure = np.linalg.eigvalsh(variances)[:, -1] <= _LARGEST_NORMAL_DEVIATION**2
    # movement of the points along the surfaces with each pixel of the image
    moves = -directions[:, :, None] * (gradients[:, None] @ changes)
    moves[:, :2] += changes
    moves *= distances[:, None, None] * pixel_rays.scale * _PIXEL_DEVIATION
    along = (distances * deviations)[:, None] * directions
    covariances = along[:, :, None] * along[:, None] + moves @ moves.swapaxes(1, 2)
    positions = pixel_rays.centre + distances[:, None] * directions
    for row, known in enumerate(sure.tolist()):
        normal = normals[row] if known else None
        yield SurfacePoint(positions[row], covariances[row], normal, '')
