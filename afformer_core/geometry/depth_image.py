# SPDX-License-Identifier: Apache-2.0
"""Depth images in the types that cameras publish, and their values in metres."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import ImageError
from afformer_core.geometry.calibration import Calibration

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
