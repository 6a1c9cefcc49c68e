# SPDX-License-Identifier: Apache-2.0
"""The calibration of a camera whose lens distorts, by OpenCV."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
