# SPDX-License-Identifier: Apache-2.0
"""Pictures as if they were seen at a slant."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from afformer_core.data.augmentation.probability import happens, require_probability
from afformer_core.data.augmentation.warp import Homography

# From two thirds on, a corner may be drawn on the wrong side of a diagonal.
_LARGEST = 0.6


@dataclass(frozen=True)
class PerspectiveOptions:
    """How far corners are moved.

    Attributes:
        distortion: 0 to 0.6; each corner moves inwards by up to this share of half a side, along
            both sides (`distortion_scale` of torchvision). The picture stays whole.
        probability: share of the examples that are changed, 0 to 1.
    """

    distortion: float = 0.0
    probability: float = 1.0

    def __post_init__(self) -> None:
        require_probability(self.probability)
        if not 0 <= self.distortion <= _LARGEST:
            raise ValueError(f'distortion is {self.distortion}; 0 to {_LARGEST} is wanted')


def draw_perspective(
    options: PerspectiveOptions, size: tuple[int, int], generator: np.random.Generator
) -> Homography | None:
    """A slant within the options.

    Args:
        options: of the slant.
        size: (height, width) of the picture.
        generator: what is drawn depends on it alone.

    Returns:
        [3, 3] from old (x, y, 1) to new ones; None where there is none.
    """
    if options.distortion == 0 or not happens(options.probability, generator):
        return None
    right, bottom = size[1] - 1, size[0] - 1
    corners = np.array([[0, 0], [right, 0], [right, bottom], [0, bottom]], np.float32)
    inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    half = np.array([size[1], size[0]]) / 2
    moved = corners + inwards * half * generator.uniform(0, options.distortion, (4, 2))
    return np.asarray(cv2.getPerspectiveTransform(corners, moved.astype(np.float32)))
