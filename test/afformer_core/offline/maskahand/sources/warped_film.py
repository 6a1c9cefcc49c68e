# SPDX-License-Identifier: Apache-2.0
"""A film of a plane with a red rectangle and a black line, as a fisheye lens shows it."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import cv2
import numpy as np

from afformer_core.media.lens import LensIntrinsics
from afformer_core.media.video import write_video

# 124 degrees across.
LENS = LensIntrinsics(
    'fisheye', (192, 128), (88.0, 88.0), (97.0, 62.5), (0.05, -0.01, 0.004, -0.001)
)
# (left, top, right, bottom) of the rectangle, and where the line is, in the plane at depth 1.
RECTANGLE = (-0.75, -0.35, -0.15, 0.35)
LINE, THICKNESS = 0.75, 0.03
# Rays through each pixel, one beside another.
_RAYS = 4


def write_warped(path: Path, red: ModuleType) -> None:
    """Write a film of 6 s with a contact at 2 to 3 s, as `red.film` has them."""
    images = {level: _image(level) for level in (0, red.DARK, red.BRIGHT)}
    levels = [int(frame[32, :, 0].max()) for frame in red.film(6, 10, [(2, 3)])]
    frames = (images.get(level, images[0]) for level in levels)
    write_video(path, frames, 10, constant_rate_factor=4)


def _image(level: int) -> np.ndarray:
    width, height = LENS.size
    pixels = [(np.arange(side * _RAYS) + 0.5) / _RAYS - 0.5 for side in (width, height)]
    grid = np.stack(np.meshgrid(*pixels), -1).reshape(-1, 1, 2)
    (fx, fy), (cx, cy) = LENS.focal, LENS.centre
    camera = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    rays = cv2.fisheye.undistortPoints(grid, camera, np.array(LENS.distortion))
    x, y = rays.reshape(height * _RAYS, width * _RAYS, 2).transpose(2, 0, 1)
    image = np.full((*x.shape, 3), 110, np.uint8)
    image[np.abs(x - LINE) < THICKNESS] = 0
    left, top, right, bottom = RECTANGLE
    if level:
        image[(x > left) & (x < right) & (y > top) & (y < bottom)] = (level, 20, 20)
    return cv2.resize(image, LENS.size, interpolation=cv2.INTER_AREA)
