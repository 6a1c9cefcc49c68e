# SPDX-License-Identifier: Apache-2.0
"""Random changes of perspective."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.data.augmentation.probability import happens, require_probability
from afformer_core.data.augmentation.warp import Homography

BORDERS = ('reflect', 'crop')
# The least angle of a picture that is seen at a slant, as the sine of it. From a distortion of two
# thirds on, a corner may be drawn on the wrong side of a diagonal, which folds the picture.
_LEAST_SINE = 0.02
_ATTEMPTS = 100


@dataclass(frozen=True)
class PerspectiveOptions:
    """How far corners are moved.

    Attributes:
        distortion: 0 to 1; each corner moves inwards by up to this share of half a side, along
            both sides (`distortion_scale` of torchvision). The picture stays whole. Corners that
            would fold it, as up to a third of them do at 1, are drawn again.
        probability: share of the examples that are changed, 0 to 1.
        border: what surrounds the picture then: 'reflect', its reflection; or 'crop', nothing: it
            is enlarged until its outermost corners lie on all four sides, and what is left beside
            it is black, as in the released code. Black corners tell a model how it was moved.
    """

    distortion: float = 0.0
    probability: float = 1.0
    border: str = 'reflect'

    def __post_init__(self) -> None:
        require_probability(self.probability)
        if not 0 <= self.distortion <= 1:
            raise ValueError(f'distortion is {self.distortion}; 0 to 1 is wanted')
        if self.border not in BORDERS:
            raise ValueError(f'border is {self.border!r}; one of {", ".join(BORDERS)} is wanted')


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
    corners = np.array([[0, 0], [right, 0], [right, bottom], [0, bottom]], np.float64)
    moved = _moved_corners(corners, options.distortion, size, generator)
    if options.border == 'crop':
        moved = (moved - moved.min(axis=0)) / np.ptp(moved, axis=0) * (right, bottom)
    homography = cv2.getPerspectiveTransform(corners.astype(np.float32), moved.astype(np.float32))
    return np.asarray(homography)


def _moved_corners(
    corners: NDArray[np.float64],
    distortion: float,
    size: tuple[int, int],
    generator: np.random.Generator,
) -> NDArray[np.float64]:
    """Corners of the picture at a slant [4, 2]; where they were if all attempts fold it."""
    inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    half = np.array([size[1], size[0]]) / 2
    for _ in range(_ATTEMPTS):
        moved = corners + inwards * half * generator.uniform(0, distortion, (4, 2))
        if _is_convex(moved):
            return np.asarray(moved)
    return corners


def _is_convex(corners: NDArray[np.float64]) -> bool:
    """Whether each of four corners, clockwise as one sees them, turns the same way."""
    along = np.roll(corners, -1, axis=0) - corners
    before = np.roll(along, 1, axis=0)
    turns = before[:, 0] * along[:, 1] - before[:, 1] * along[:, 0]
    lengths = np.linalg.norm(before, axis=1) * np.linalg.norm(along, axis=1)
    return bool((turns > _LEAST_SINE * lengths).all())
