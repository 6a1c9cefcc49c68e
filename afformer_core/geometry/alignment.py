# SPDX-License-Identifier: Apache-2.0
"""Agreement of an image, a depth image and a calibration."""

from __future__ import annotations

from afformer_core.geometry.calibration import Calibration
from afformer_core.geometry.depth_image import DepthImage


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
