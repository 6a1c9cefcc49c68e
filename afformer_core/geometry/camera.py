# SPDX-License-Identifier: Apache-2.0
"""A depth camera: its calibration, rays of pixels, depth images, and clouds of points."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from afformer_core.errors import AfformerError, ImageError
from afformer_core.settings import check_settings, parameter

# Possible numbers of coefficients of each distortion model.
_COEFFICIENTS = {'plumb_bob': (4, 5), 'rational_polynomial': (8, 12, 14), 'equidistant': (4,)}
_CRITERIA = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 50, 1e-10)
# Beyond this the ray is almost perpendicular to the optical axis: undistortion has failed.
_LARGEST_SLOPE = 1e3

RECTIFICATIONS = ('auto', 'rectified', 'distorted')
"""Whether images are rectified; auto: by the name of their topic."""


class CalibrationError(AfformerError):
    """Raised if a calibration is missing, malformed or of an unknown kind."""


@dataclass(frozen=True)
class Calibration:
    """Calibration of one camera for its images, after binning and region of interest.

    Pixel centres lie at integers; the first pixel's centre is (0, 0).

    Attributes:
        width, height: size of the images, pixels.
        matrix: float64 [3, 3], focal lengths and principal point in pixels.
        distortion_model: 'plumb_bob', 'rational_polynomial', 'equidistant', or '' for none.
        distortion: coefficients of the model in OpenCV's order; empty for none.
        translation: (Tx, Ty) of a rectified camera's projection, pixels times metres; 0 if the
            camera is not rectified. It is not 0 for the second camera of a stereo pair.
        frame_id: coordinate frame of the camera.

    Raises:
        CalibrationError: a value is out of range, or the distortion model unknown.
    """

    width: int
    height: int
    matrix: NDArray[np.float64]
    distortion_model: str
    distortion: tuple[float, ...]
    translation: tuple[float, float]
    frame_id: str

    def __post_init__(self) -> None:
        if self.width <= 0 or self.height <= 0:
            raise CalibrationError(
                f'size of the images is {self.width}x{self.height} pixels; expected width and '
                'height above 0. Have the driver fill them in'
            )
        if self.matrix.shape != (3, 3) or not np.isfinite(self.matrix).all():
            raise CalibrationError(
                f'camera matrix is {self.matrix.tolist()}; expected nine finite numbers'
            )
        if min(self.matrix[0, 0], self.matrix[1, 1]) <= 0:
            raise CalibrationError(
                f'focal lengths are {self.matrix[0, 0]:g} and {self.matrix[1, 1]:g} pixels; '
                'expected values above 0. Calibrate the camera'
            )
        if not np.isfinite(self.translation).all():
            raise CalibrationError(
                f'translation of the projection is {self.translation}; expected finite numbers'
            )
        _check_distortion(self.distortion_model, self.distortion)

    @classmethod
    def from_message(cls, message: Any, *, rectified: bool) -> Calibration:
        """Read the calibration from a sensor_msgs/CameraInfo.

        Binning (0 means 1) and region of interest (all zero means the full sensor) are applied.
        The matrices of the message are those of the full sensor.

        Args:
            message: a CameraInfo with fields named k, d, p or K, D, P.
            rectified: True for rectified images, to which P applies; False for raw ones (K and D).

        Raises:
            CalibrationError: the camera is not calibrated, or the message contradicts itself.
        """
        matrix, distortion_model, distortion, translation = _intrinsics(
            message, rectified=rectified
        )
        left, top, width, height = _region(message.roi, int(message.width), int(message.height))
        bins = max(1, int(message.binning_x)), max(1, int(message.binning_y))
        for axis, (size, offset) in enumerate(zip(bins, (left, top), strict=True)):
            matrix[axis, :2] /= size
            matrix[axis, 2] = (matrix[axis, 2] - offset - (size - 1) / 2) / size
        return cls(
            width=width // bins[0],
            height=height // bins[1],
            matrix=matrix,
            distortion_model=distortion_model,
            distortion=distortion,
            translation=(translation[0] / bins[0], translation[1] / bins[1]),
            frame_id=str(message.header.frame_id),
        )

    @property
    def focal_length(self) -> float:
        """Geometric mean of both focal lengths, pixels."""
        return math.sqrt(float(self.matrix[0, 0] * self.matrix[1, 1]))

    @property
    def centre(self) -> NDArray[np.float64]:
        """Point where all rays meet, float64 [3] metres; the origin if the translation is 0."""
        return np.array(
            [
                -self.translation[0] / self.matrix[0, 0],
                -self.translation[1] / self.matrix[1, 1],
                0.0,
            ]
        )

    def rays(self, pixels: ArrayLike) -> NDArray[np.float64]:
        """Compute the viewing directions of pixels, with the distortion removed.

        Args:
            pixels: [N, 2] (u, v) in pixels of the image; they may lie outside it.

        Returns:
            float64 [N, 2] (x, y) at depth 1 from the camera's centre; NaN where the distortion
            cannot be removed.
        """
        points = np.asarray(pixels, np.float64).reshape(-1, 2)
        if not len(points):
            return np.zeros((0, 2))
        coefficients = np.array(self.distortion)
        if self.distortion_model == 'equidistant':
            rays = cv2.fisheye.undistortPoints(
                points[:, None], self.matrix, coefficients, criteria=_CRITERIA
            )
        elif coefficients.any():
            rays = cv2.undistortPointsIter(
                points[:, None], self.matrix, coefficients, np.eye(3), np.eye(3), _CRITERIA
            )
        else:
            focal_lengths = self.matrix[[0, 1], [0, 1]]
            return np.asarray((points - self.matrix[:2, 2]) / focal_lengths, np.float64)
        undone = np.array(rays, np.float64).reshape(-1, 2)
        undone[(np.abs(undone) > _LARGEST_SLOPE).any(axis=1)] = np.nan
        return undone

    def points(self, pixels: ArrayLike, depths: ArrayLike) -> NDArray[np.float64]:
        """Compute the points that pixels show.

        Args:
            pixels: [N, 2] (u, v) in pixels of the image.
            depths: [N] metres along the optical axis.

        Returns:
            float64 [N, 3] metres in the camera's frame.
        """
        rays = self.rays(pixels)
        directions = np.concatenate([rays, np.ones((len(rays), 1))], axis=1)
        return np.asarray(self.centre + np.asarray(depths, float)[:, None] * directions)


def is_rectified(rectification: str, topic: str) -> bool:
    """Check whether images are already rectified.

    Args:
        rectification: one of `RECTIFICATIONS`; 'auto': by the name of the topic, in which a part
            begins with image_rect by convention.
        topic: topic of the images.
    """
    if rectification == 'auto':
        return any(part.startswith('image_rect') for part in topic.split('/'))
    return rectification == 'rectified'


def _field(message: Any, name: str) -> NDArray[np.float64]:
    values = getattr(message, name, None)
    if values is None:
        values = getattr(message, name.upper())
    return np.array(values, np.float64).ravel()


def _intrinsics(
    message: Any, *, rectified: bool
) -> tuple[NDArray[np.float64], str, tuple[float, ...], tuple[float, float]]:
    camera = _field(message, 'k')
    if camera.size != 9 or not camera.any():
        raise CalibrationError(
            'camera_info has an all-zero K: the camera is not calibrated. Calibrate it, or give '
            'its driver the calibration file'
        )
    if not rectified:
        distortion = tuple(_field(message, 'd').tolist())
        model = str(message.distortion_model) if distortion else ''
        return camera.reshape(3, 3), model, distortion, (0.0, 0.0)
    projection = _field(message, 'p')
    if projection.size != 12 or not projection.any():
        raise CalibrationError(
            'camera_info has an all-zero P, which rectified images need. Have the driver fill it '
            'in, or declare that the images are not rectified'
        )
    projection = projection.reshape(3, 4)
    translation = (float(projection[0, 3]), float(projection[1, 3]))
    return projection[:, :3].copy(), '', (), translation


def _region(roi: Any, width: int, height: int) -> tuple[int, int, int, int]:
    left, top = int(roi.x_offset), int(roi.y_offset)
    region = int(roi.width), int(roi.height)
    if region == (0, 0) and not left and not top:
        return 0, 0, width, height
    inside = left >= 0 and top >= 0 and left + region[0] <= width and top + region[1] <= height
    if min(region) <= 0 or not inside:
        raise CalibrationError(
            f'region of interest in camera_info is {region[0]}x{region[1]} pixels at '
            f'({left}, {top}); expected one within the sensor of {width}x{height} pixels'
        )
    return left, top, *region


def _check_distortion(model: str, coefficients: tuple[float, ...]) -> None:
    if not np.isfinite(coefficients).all():
        raise CalibrationError(
            f'distortion coefficients are {coefficients}; expected finite numbers'
        )
    if not any(coefficients) and not model:
        return
    if model not in _COEFFICIENTS:
        raise CalibrationError(
            f'distortion model is {model!r}; expected one of {", ".join(_COEFFICIENTS)}. Use '
            'rectified images for other lenses'
        )
    if len(coefficients) not in _COEFFICIENTS[model]:
        expected = ' or '.join(str(count) for count in _COEFFICIENTS[model])
        raise CalibrationError(
            f'distortion model {model!r} has {len(coefficients)} coefficients; expected {expected}'
        )


_METRES_PER_MILLIMETRE = np.float32(0.001)


@dataclass(frozen=True)
class DepthImage:
    """Depth of every pixel along the optical axis.

    Attributes:
        measured: float32 [H, W] metres, NaN where unknown, or uint16 [H, W] millimetres, 0 where
            unknown.
        frame_id: coordinate frame of the camera to which the depth is registered.
        stamp: time of exposure, nanoseconds.

    Raises:
        ImageError: the shape or type is wrong.
    """

    measured: NDArray[Any]
    frame_id: str
    stamp: int

    def __post_init__(self) -> None:
        measured = self.measured
        if (
            measured.ndim != 2
            or 0 in measured.shape
            or measured.dtype not in (np.float32, np.uint16)
        ):
            raise ImageError(
                f'depth image is {measured.dtype} {measured.shape}; expected float32 [H, W] in '
                'metres or uint16 [H, W] in millimetres'
            )

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        height, width = self.measured.shape
        return height, width

    @cached_property
    def values(self) -> NDArray[np.float32]:
        """float32 [H, W], metres along the optical axis, NaN where unknown."""
        return _metres(self.measured)

    def at(self, pixels: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the values of some pixels, given their indices in row-major order."""
        return _metres(self.measured.ravel().take(pixels))


def _metres(measured: NDArray[Any]) -> NDArray[np.float32]:
    if measured.dtype == np.float32:
        return measured
    metres = measured.astype(np.float32)
    metres *= _METRES_PER_MILLIMETRE
    with np.errstate(invalid='ignore'):
        # NaN where it is 0; three times faster than indexing these pixels
        metres += 0 / metres
    return metres


@dataclass(frozen=True, kw_only=True)
class DepthSettings:
    """Noise and range of depth.

    The measured noise is used instead if it is clearly higher, and depths outside the range are
    treated as holes.

    Raises:
        ValueError: a value is out of its limits, also those of derived classes, or the range is
            empty.
    """

    depth_noise: float = parameter(
        0.005, 'Standard deviation of depth, as a share of the depth', limits=(0.0001, 0.2)
    )
    nearest_depth: float = parameter(
        0.1, 'Depth in metres below which depth is unknown', limits=(0.001, 1000.0)
    )
    farthest_depth: float = parameter(
        10.0, 'Depth in metres above which depth is unknown', limits=(0.001, 1000.0)
    )

    def __post_init__(self) -> None:
        check_settings(self)
        if self.nearest_depth >= self.farthest_depth:
            raise ValueError(
                f'nearest depth is {self.nearest_depth} m and farthest {self.farthest_depth} m; '
                'expected the nearest below the farthest'
            )

    def cover(self, depths: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Find the depths within the range; NaN is not."""
        with np.errstate(invalid='ignore'):
            return np.asarray((depths >= self.nearest_depth) & (depths <= self.farthest_depth))


def alignment_problem(
    image_size: tuple[int, int], image_frame: str, depth: DepthImage, calibration: Calibration
) -> str:
    """Explain why depth cannot be read at a pixel of the image.

    The depth image must be registered to the image's own camera. It may have another resolution,
    as long as both show the same field of view: their aspect ratios must agree to less than a
    pixel.

    Args:
        image_size: (height, width) of the image.
        image_frame: coordinate frame of the image.
        depth: the depth image.
        calibration: calibration of the image's camera.

    Returns:
        one sentence, or '' if all three fit.
    """
    height, width = image_size
    if (height, width) != (calibration.height, calibration.width):
        return (
            f'the image has {width}x{height} pixels, but camera_info is for '
            f'{calibration.width}x{calibration.height}; use the camera_info of this image topic'
        )
    depth_height, depth_width = depth.size
    if abs(depth_width * height / width - depth_height) >= 1:
        return (
            f'the depth image has {depth_width}x{depth_height} pixels, another aspect ratio than '
            f'the image with {width}x{height}; use depth that is registered (aligned) to the image'
        )
    if not _same_frame(depth.frame_id, image_frame):
        return (
            f'the depth image is in the frame {depth.frame_id!r}, the image in {image_frame!r}; '
            'use depth that is registered (aligned) to the image'
        )
    if not _same_frame(calibration.frame_id, image_frame):
        return (
            f'camera_info is in the frame {calibration.frame_id!r}, the image in {image_frame!r}; '
            'use the camera_info of this image topic'
        )
    return ''


def _same_frame(first: str, second: str) -> bool:
    # drivers ported from ROS 1 may write a slash before the name
    return first.removeprefix('/') == second.removeprefix('/')


# Standard deviations. The nine depths of a 3x3 neighbourhood on a plane spread over 3 on average,
# on a steep one over 5. A wider spread is a depth edge, where pixels may be flying pixels.
_LARGEST_SPREAD = 8.0
_LEAST_NEIGHBOURS = 5


def weighted_cloud(
    heatmap: NDArray[np.float32],
    depth: DepthImage,
    calibration: Calibration,
    settings: DepthSettings,
    least_weight: float = 0.05,
    maximum_points: int = 5000,
) -> NDArray[np.float32]:
    """Compute the points of the pixels that a heatmap marks.

    Holes, depths out of range, and pixels at depth edges are left out. The rest is thinned by an
    even stride.

    Args:
        heatmap: float32 [H, W] of the image's size, not negative.
        depth: depth image registered to the image, of the same aspect ratio.
        calibration: calibration of the image's camera.
        settings: noise and range of the depth.
        least_weight: share of the heatmap's maximum, 0 to 1; pixels below it are left out.
        maximum_points: largest number of points, at least 1.

    Returns:
        float32 [N, 4]: x, y, z in metres in the camera's frame, and the heatmap's value as a share
        of its maximum.
    """
    largest = float(heatmap.max())
    if not largest > 0:
        return np.zeros((0, 4), np.float32)
    height, width = depth.size
    weights = heatmap / np.float32(largest)
    if heatmap.shape != depth.size:
        shrinks = height < heatmap.shape[0]
        weights = cv2.resize(
            weights, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        )
    marked = weights >= max(least_weight, np.finfo(np.float32).tiny)
    rows, columns = np.nonzero(marked)
    if not len(rows):
        return np.zeros((0, 4), np.float32)
    # a margin of one pixel gives pixels at the border of the crop all their neighbours
    top, left = max(0, rows.min() - 1), max(0, columns.min() - 1)
    crop = np.s_[top : rows.max() + 2, left : columns.max() + 2]
    rows, columns = np.nonzero(marked[crop] & _on_surface(depth.values[crop], settings))
    stride = max(1, -(-len(rows) // maximum_points))
    rows, columns = rows[::stride] + top, columns[::stride] + left
    scale = np.array([heatmap.shape[1] / width, heatmap.shape[0] / height])
    pixels = (np.stack([columns, rows], axis=1) + 0.5) * scale - 0.5
    points = calibration.points(pixels, depth.values[rows, columns])
    cloud = np.concatenate([points, weights[rows, columns, None]], axis=1).astype(np.float32)
    return np.asarray(cloud[np.isfinite(cloud).all(axis=1)])


def _on_surface(values: NDArray[np.float32], settings: DepthSettings) -> NDArray[np.bool_]:
    valid = settings.cover(values)
    kernel = np.ones((3, 3), np.uint8)
    farthest = cv2.dilate(np.where(valid, values, np.float32(-1e9)), kernel)
    nearest = cv2.erode(np.where(valid, values, np.float32(1e9)), kernel)
    neighbours = cv2.boxFilter(
        valid.astype(np.float32), -1, (3, 3), normalize=False, borderType=cv2.BORDER_REPLICATE
    )
    spread = _LARGEST_SPREAD * settings.depth_noise * np.where(valid, values, 1.0)
    return np.asarray(
        valid & (farthest - nearest <= spread) & (neighbours > _LEAST_NEIGHBOURS - 0.5)
    )
