# SPDX-License-Identifier: Apache-2.0
"""Geometric changes: random crops and perspective, and their effect on pixels and points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.offline.data.augmentation.photometric import require_shares

Homography = NDArray[np.float64]

_HORIZON = 1e-6
_CROP_ATTEMPTS = 10
BORDERS = ('reflect', 'crop')
# Sine of the least angle at a corner of the warped image. From a distortion of two thirds on, a
# corner may be drawn on the wrong side of a diagonal, which folds the image.
_LEAST_SINE = 0.02
_SLANT_ATTEMPTS = 100


def warp_images(
    images: NDArray[np.uint8], homography: Homography, black_outside: bool = False
) -> NDArray[np.uint8]:
    """Move the pixels of images.

    Args:
        images: uint8 [T, H, W, 3].
        homography: [3, 3] from the old (x, y, 1) to the new ones.
        black_outside: whether pixels outside an image are black instead of its reflection.

    Returns:
        uint8 of the same shape.
    """
    sources = _sources(homography, images.shape[1], images.shape[2])
    moved = np.empty(images.shape, np.uint8)
    border = cv2.BORDER_CONSTANT if black_outside else cv2.BORDER_REFLECT_101
    for old, new in zip(images, moved, strict=True):
        cv2.remap(old, *sources, cv2.INTER_LINEAR, dst=new, borderMode=border)
    return moved


def warp_points(points: NDArray[np.float64], homography: Homography) -> NDArray[np.float64]:
    """Move points [P, 2] (x, y) like `warp_images` moves the pixels under them."""
    moved = points @ homography[:, :2].T + homography[:, 2]
    # A point beyond the horizon is outside, and must not appear on the other side of the image.
    return np.asarray(moved[:, :2] / np.maximum(moved[:, 2:], _HORIZON))


def inside(points: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Check which points [P, 2] lie within the outermost centres of pixels.

    Args:
        points: (x, y), where centres of pixels are integers.
        size: (height, width) of the image.
    """
    return np.asarray(((points >= 0) & (points <= (size[1] - 1, size[0] - 1))).all(axis=1))


def _sources(homography: Homography, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Compute the source of each pixel of a moved image, for `cv2.remap`.

    All frames of a video share it, whereas `cv2.warpPerspective` would compute it for each frame.
    """
    x, y, depth = (
        row[0] * np.arange(width) + row[1] * np.arange(height)[:, None] + row[2]
        for row in np.linalg.inv(homography)
    )
    depth = np.maximum(depth, _HORIZON)
    coordinates = ((x / depth).astype(np.float32), (y / depth).astype(np.float32))
    first, second = cv2.convertMaps(*coordinates, cv2.CV_16SC2)
    return first, second


@dataclass(frozen=True, kw_only=True)
class CropSettings:
    """Settings of random crops.

    Attributes:
        scale: least and largest share of the area, above 0, at most 1.
        aspect: least and largest width over height, relative to the image's own; above 0. It is
            drawn uniformly on a logarithmic scale, and a side is never longer than the image's.
        probability: probability of a crop, 0 to 1.

    Raises:
        ValueError: a value is out of its range.
    """

    scale: tuple[float, float] = (1.0, 1.0)
    aspect: tuple[float, float] = (1.0, 1.0)
    probability: float = 1.0

    def __post_init__(self) -> None:
        require_shares(self, 'probability')
        if not 0 < self.scale[0] <= self.scale[1] <= 1:
            raise ValueError(f'scale is {self.scale}; expected above 0, at most 1, and in order')
        if not 0 < self.aspect[0] <= self.aspect[1] < math.inf:
            raise ValueError(f'aspect is {self.aspect}; expected above 0, finite, and in order')


def draw_crop(
    settings: CropSettings,
    size: tuple[int, int],
    rng: np.random.Generator,
    points: Sequence[NDArray[np.float64]] | None = None,
) -> Homography | None:
    """Draw a crop, as the homography that enlarges it to the whole image.

    Args:
        settings: settings of the crop.
        size: (height, width) of the image.
        rng: random generator; the result depends only on it.
        points: sets of annotated points, float64 [P, 2] (x, y): of each set with points in the
            image, at least one remains inside. None without annotations.

    Returns:
        [3, 3]; None if there is no crop, no point lies in the image, or ten crops in a row lose
        all points of a set.
    """
    if settings.scale == settings.aspect == (1.0, 1.0):
        return None
    if rng.random() >= settings.probability:
        return None
    needed = [of_action for of_action in points or () if inside(of_action, size).any()]
    if points is not None and not needed:
        return None
    for _ in range(_CROP_ATTEMPTS):
        crop = _draw(settings, size, rng)
        if all(inside(warp_points(of_action, crop), size).any() for of_action in needed):
            return crop
    return None


def _draw(settings: CropSettings, size: tuple[int, int], rng: np.random.Generator) -> Homography:
    area = rng.uniform(*settings.scale)
    aspect = math.exp(rng.uniform(*np.log(settings.aspect)))
    width = min(math.sqrt(area * aspect), 1.0) * size[1]
    height = min(math.sqrt(area / aspect), 1.0) * size[0]
    left = rng.uniform(0, size[1] - width)
    top = rng.uniform(0, size[0] - height)
    across, down = size[1] / width, size[0] / height
    # Offset by half a pixel, because centres of pixels are integers but a crop's edges are not
    # centres.
    return np.array(
        [
            [across, 0, (0.5 - left) * across - 0.5],
            [0, down, (0.5 - top) * down - 0.5],
            [0, 0, 1],
        ]
    )


@dataclass(frozen=True, kw_only=True)
class PerspectiveSettings:
    """Settings of random perspective.

    Attributes:
        distortion: 0 to 1; each corner moves inwards by up to this share of half a side, along
            both sides (`distortion_scale` of torchvision). The image stays whole. Corners that
            would fold it, as up to a third of them do at 1, are drawn again.
        probability: probability of a change, 0 to 1.
        border: surroundings of the warped image: 'reflect' for its reflection; 'crop' to enlarge
            it until its outermost corners lie on all four sides, with the rest black, as in the
            released code. Black corners reveal to a model how the image was moved.

    Raises:
        ValueError: a value is out of its range.
    """

    distortion: float = 0.0
    probability: float = 1.0
    border: str = 'reflect'

    def __post_init__(self) -> None:
        require_shares(self, 'probability', 'distortion')
        if self.border not in BORDERS:
            raise ValueError(f'border is {self.border!r}; expected one of {", ".join(BORDERS)}')


def draw_perspective(
    settings: PerspectiveSettings, size: tuple[int, int], rng: np.random.Generator
) -> Homography | None:
    """Draw a change of perspective.

    Args:
        settings: settings of the perspective.
        size: (height, width) of the image.
        rng: random generator; the result depends only on it.

    Returns:
        [3, 3] from old (x, y, 1) to new ones; None if there is no change.
    """
    if settings.distortion == 0 or rng.random() >= settings.probability:
        return None
    right, bottom = size[1] - 1, size[0] - 1
    corners = np.array([[0, 0], [right, 0], [right, bottom], [0, bottom]], np.float64)
    moved = _moved_corners(corners, settings.distortion, size, rng)
    if settings.border == 'crop':
        moved = (moved - moved.min(axis=0)) / np.ptp(moved, axis=0) * (right, bottom)
    homography = cv2.getPerspectiveTransform(corners.astype(np.float32), moved.astype(np.float32))
    return np.asarray(homography)


def _moved_corners(
    corners: NDArray[np.float64],
    distortion: float,
    size: tuple[int, int],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Draw the corners of the warped image [4, 2]; unchanged ones if all attempts fold it."""
    inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    half = np.array([size[1], size[0]]) / 2
    for _ in range(_SLANT_ATTEMPTS):
        moved = corners + inwards * half * rng.uniform(0, distortion, (4, 2))
        if _is_convex(moved):
            return np.asarray(moved)
    return corners


def _is_convex(corners: NDArray[np.float64]) -> bool:
    """Check that four corners, clockwise in the image, all turn the same way."""
    along = np.roll(corners, -1, axis=0) - corners
    before = np.roll(along, 1, axis=0)
    turns = before[:, 0] * along[:, 1] - before[:, 1] * along[:, 0]
    lengths = np.linalg.norm(before, axis=1) * np.linalg.norm(along, axis=1)
    return bool((turns > _LEAST_SINE * lengths).all())
