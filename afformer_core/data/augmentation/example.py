# SPDX-License-Identifier: Apache-2.0
"""The frames, image and annotation of a sample, as they are in memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Example:
    """A demonstration's frames, a target image, and the points of each action in it.

    Attributes:
        frames: uint8 [T, H, W, 3] RGB, at least one.
        image: uint8 [H, W, 3] RGB; its size may differ from that of the frames.
        actions: indices from 0, one for each set of points.
        points: float64 [P, 2] (x, y) each, in pixels of `image`, where centres of pixels are
            integers; some may lie outside.
    """

    frames: NDArray[np.uint8]
    image: NDArray[np.uint8]
    actions: tuple[int, ...]
    points: tuple[NDArray[np.float64], ...]

    def __post_init__(self) -> None:
        _require_pictures('frames', self.frames, '[T, H, W, 3]')
        _require_pictures('image', self.image, '[H, W, 3]')
        if len(self.actions) != len(self.points):
            raise ValueError(
                f'got {len(self.actions)} actions but points for {len(self.points)} of them'
            )
        for points in self.points:
            if points.ndim != 2 or points.shape[1] != 2:
                raise ValueError(f'points have shape {points.shape}; [P, 2] is wanted')


def _require_pictures(name: str, pictures: NDArray[np.uint8], wanted: str) -> None:
    shape = pictures.shape
    axes = wanted.count(',') + 1
    if pictures.dtype != np.uint8 or len(shape) != axes or shape[-1] != 3 or 0 in shape:
        raise ValueError(f'{name}: uint8 {wanted} is wanted, got {pictures.dtype} {list(shape)}')
