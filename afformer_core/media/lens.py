# SPDX-License-Identifier: Apache-2.0
"""The calibration of a camera whose lens distorts, and its images as those of a pinhole camera.

Straight edges become straight, so that homographies apply. The pinhole camera has the size of the
image, its principal point in the middle, and one focal length. That is the shortest one at which
the lens saw every pixel and no ray is more than 60 degrees off the axis, where the image would be
enlarged four times as much as in the middle.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import VideoError

FISHEYE, PINHOLE = 'fisheye', 'pinhole'
# Distortion coefficients of OpenCV's models, in OpenCV's order.
_COEFFICIENTS = {FISHEYE: ('k1', 'k2', 'k3', 'k4'), PINHOLE: ('k1', 'k2', 'p1', 'p2', 'k3')}
_COEFFICIENT = re.compile(r'[kps]\d+|tau[xy]')
_SIZE, _FOCAL, _CENTRE = ('image_width', 'image_height'), ('fx', 'fy'), ('cx', 'cy')

# Share by which the aspect ratios of a video and of the calibration's images may differ, due to
# rounding.
_SHAPE_TOLERANCE = 0.02
# Every number of a calibration is smaller than this.
_LARGEST = 1e6


@dataclass(frozen=True)
class LensIntrinsics:
    """A camera's calibration by OpenCV, for one of its two lens models.

    Attributes:
        model: `fisheye` (cv2.fisheye, Kannala-Brandt) or `pinhole` (Brown-Conrady).
        size: (width, height) in pixels of the images that the calibration is for.
        focal: (fx, fy), pixels.
        centre: (cx, cy) of the principal point, pixels.
        distortion: coefficients k1, k2, k3, k4 of a fisheye, or k1, k2, p1, p2, k3.

    Raises:
        VideoError: a value is out of its range.
    """

    model: str
    size: tuple[int, int]
    focal: tuple[float, float]
    centre: tuple[float, float]
    distortion: tuple[float, ...]

    def __post_init__(self) -> None:
        for name, side in zip(_SIZE, self.size, strict=True):
            if side < 2:
                raise VideoError(f'{name} is {side}; expected at least 2')
        for name, length in zip(_FOCAL, self.focal, strict=True):
            if length <= 0:
                raise VideoError(f'{name} is {length:g}; expected above 0')
        for name, value, side in zip(_CENTRE, self.centre, self.size, strict=True):
            if not 0 <= value < side:
                raise VideoError(f'{name} is {value:g}; expected 0 to {side}, within the image')

    @classmethod
    def from_json(cls, text: str | bytes) -> LensIntrinsics:
        """Read a calibration from a JSON object whose numbers have OpenCV's names.

        Without `model`, a calibration with k1 to k4 and without p1 and p2 is a fisheye's.

        Raises:
            VideoError: the text is not such an object.
        """
        try:
            fields = json.loads(text)
        except ValueError as error:
            raise VideoError(f'it is not JSON: {error}') from error
        if not isinstance(fields, dict):
            raise VideoError(f'it is {type(fields).__name__}; expected a JSON object')
        model = _model(fields)
        names = (*_SIZE, *_FOCAL, *_CENTRE, *_COEFFICIENTS[model])
        missing = [name for name in names if name not in fields]
        if missing:
            raise VideoError(
                f'{", ".join(missing)} are missing; expected {", ".join(names)} of a {model} '
                'camera. Give 0 for coefficients that it does not have'
            )
        for name, value in fields.items():
            if _COEFFICIENT.fullmatch(name) and name not in names and value != 0:
                raise VideoError(f'{name} is {value}; a {model} camera has no such coefficient')
        width, height, fx, fy, cx, cy, *distortion = (_number(fields, name) for name in names)
        if width != int(width) or height != int(height):
            raise VideoError(f'the image is {width}x{height}; expected whole pixels')
        size = int(width), int(height)
        return cls(model, size, (fx, fy), (cx, cy), tuple(distortion))

    def to_json(self) -> str:
        """Write the calibration in one line that `from_json` can read."""
        names = (*_SIZE, *_FOCAL, *_CENTRE, *_COEFFICIENTS[self.model])
        values = (*self.size, *self.focal, *self.centre, *self.distortion)
        return json.dumps({'model': self.model, **dict(zip(names, values, strict=True))})

    def of_size(self, size: tuple[int, int]) -> LensIntrinsics:
        """Return the calibration for the same images at another size.

        Args:
            size: (width, height) in pixels.

        Raises:
            VideoError: the size has another aspect ratio.
        """
        across, down = (side / known for side, known in zip(size, self.size, strict=True))
        if abs(across / down - 1) > _SHAPE_TOLERANCE:
            raise VideoError(
                f'frames are {size[0]}x{size[1]}, and their camera was calibrated for '
                f'{self.size[0]}x{self.size[1]}; expected the same shape. Give the calibration of '
                'this camera in the orientation in which players show its videos'
            )
        # Coordinates count from the middle of the first pixel.
        return LensIntrinsics(
            self.model,
            size,
            (self.focal[0] * across, self.focal[1] * down),
            ((self.centre[0] + 0.5) * across - 0.5, (self.centre[1] + 0.5) * down - 0.5),
            self.distortion,
        )


def _model(fields: Mapping[str, Any]) -> str:
    fitting = FISHEYE if 'k4' in fields and not {'p1', 'p2'} & fields.keys() else PINHOLE
    model = fields.get('model', fitting)
    if not isinstance(model, str) or model not in _COEFFICIENTS:
        raise VideoError(f'model is {model!r}; expected {FISHEYE!r} or {PINHOLE!r}')
    return model


def _number(fields: Mapping[str, Any], name: str) -> float:
    value = fields[name]
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if not numeric or not abs(value) < _LARGEST:
        raise VideoError(f'{name} is {value!r}; expected a number within {_LARGEST:g} of 0')
    return float(value)


# Radians of a ray from the axis.
_WIDEST = math.radians(60)
# Largest ratio of the focal lengths of the pinhole camera and of the lens, either way.
_LARGEST_ZOOM = 4.0
# Numbers of points on each edge of the image, of angles, and of bisections in its computation.
_BORDER, _ANGLES, _HALVINGS = 129, 1001, 40


def undistort(image: NDArray[np.uint8], lens: LensIntrinsics) -> NDArray[np.uint8]:
    """Convert an image of a lens to that of the pinhole camera.

    Args:
        image: uint8 [H, W, 3].
        lens: calibration, for this size or another of the same shape.

    Returns:
        uint8 [H, W, 3].

    Raises:
        VideoError: the calibration is not that of a lens, or is for images of another aspect
            ratio.
    """
    height, width = image.shape[:2]
    maps = _maps(lens, (width, height))
    found = cv2.remap(image, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.uint8)


# One entry per calibration and size, 12 MB each for 1920x1080.
@lru_cache(maxsize=4)
def _maps(lens: LensIntrinsics, size: tuple[int, int]) -> tuple[NDArray[Any], NDArray[Any]]:
    lens = lens.of_size(size)
    width, height = size
    columns, rows = np.arange(width) - (width - 1) / 2, np.arange(height) - (height - 1) / 2
    slopes = np.stack(np.meshgrid(columns, rows), axis=-1) / pinhole_focal(lens)
    across, down = np.moveaxis(_projected(lens, slopes).astype(np.float32), -1, 0)
    found = cv2.convertMaps(across, down, cv2.CV_16SC2)
    return np.asarray(found[0]), np.asarray(found[1])


@lru_cache(maxsize=64)
def pinhole_focal(lens: LensIntrinsics) -> float:
    """Compute the focal length of the pinhole camera in pixels, at the size of the calibration.

    Raises:
        VideoError: no lens has this calibration: its image would fold, or show almost nothing.
    """
    width, height = lens.size
    fold = _fold(lens)
    shortest = math.hypot(width - 1, height - 1) / 2 / math.tan(fold)
    if _sees(lens, shortest) and fold < _WIDEST:
        raise VideoError(
            f'the distortion {lens.distortion} folds the image {math.degrees(fold):.0f} degrees '
            'from its axis; expected a lens that maps rays farther from the axis farther out'
        )
    focal = shortest if _sees(lens, shortest) else _least_focal(lens, shortest)
    zoom = focal / math.sqrt(lens.focal[0] * lens.focal[1])
    if not 1 / _LARGEST_ZOOM <= zoom <= _LARGEST_ZOOM:
        raise VideoError(
            f'without distortion the focal length is {zoom:.3g} times that of fx and fy; expected '
            f'a quarter to {_LARGEST_ZOOM:g} times'
        )
    return focal


def _least_focal(lens: LensIntrinsics, short: float) -> float:
    """Find the least focal length at which the lens sees every pixel; `short` is too short."""
    long = 2 * short
    while not _sees(lens, long) and math.isfinite(long):
        long *= 2
    for _ in range(_HALVINGS):
        middle = (short + long) / 2
        short, long = (short, middle) if _sees(lens, middle) else (middle, long)
    return long


def _sees(lens: LensIntrinsics, focal: float) -> bool:
    """Check whether the lens sees the whole border of a pinhole camera's image."""
    width, height = lens.size
    across, down = (np.linspace(-0.5, 0.5, _BORDER) * (side - 1) for side in (width, height))
    edges = [
        np.stack(np.broadcast_arrays(x, y), -1)
        for x, y in ((across, down[0]), (across, down[-1]), (across[0], down), (across[-1], down))
    ]
    pixels = _projected(lens, np.concatenate(edges) / focal)
    return bool((pixels >= 0).all() and (pixels <= (width - 1, height - 1)).all())


def _fold(lens: LensIntrinsics) -> float:
    """Find the radians off the axis up to which the image does not fold, at most 60 degrees."""
    angles = np.linspace(0, _WIDEST, _ANGLES)
    # Without tangential distortion, distances from the principal point in focal lengths.
    k1, k2, *others = lens.distortion
    coefficients = lens.distortion if lens.model == FISHEYE else (k1, k2, 0.0, 0.0, others[-1])
    slopes = np.stack([np.tan(angles), np.zeros(_ANGLES)], axis=1)
    distances = _distorted(lens.model, np.eye(3), coefficients, slopes)[:, 0]
    nearer = np.flatnonzero(np.diff(distances) <= 0)
    return float(angles[max(1, nearer[0])]) if len(nearer) else _WIDEST


def _projected(lens: LensIntrinsics, rays: NDArray[np.float64]) -> NDArray[np.float64]:
    """Project rays [..., 2] (x, y) at depth 1 to pixels [..., 2] (u, v) of the lens's image."""
    matrix = np.array(
        [[lens.focal[0], 0, lens.centre[0]], [0, lens.focal[1], lens.centre[1]], [0, 0, 1]]
    )
    return _distorted(lens.model, matrix, lens.distortion, rays)


def _distorted(
    model: str, matrix: NDArray[np.float64], coefficients: Sequence[float], rays: NDArray[Any]
) -> NDArray[np.float64]:
    points = rays.reshape(1, -1, 2)
    if model == FISHEYE:
        pixels = cv2.fisheye.distortPoints(points, matrix, np.array(coefficients))
    else:
        points = cv2.convertPointsToHomogeneous(points[0])
        still = np.zeros(3)
        pixels, _ = cv2.projectPoints(points, still, still, matrix, np.array(coefficients))
    return np.asarray(pixels, np.float64).reshape(rays.shape)
