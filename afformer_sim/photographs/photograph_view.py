# SPDX-License-Identifier: Apache-2.0
"""Photographs of a folder or of packages, their views by homographies, and their light."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

from afformer_sim.textures.texture_images import (
    HELD_OUT_TEXTURE_IMAGES,
    TRAINING_TEXTURE_IMAGES,
    locate_texture_image,
)

_ENDINGS = ('.jpg', '.jpeg', '.png', '.webp')
_LARGEST = 1280
_SMALLEST = 200


@lru_cache(maxsize=1)
def list_photographs(folder: Path | None, *, held_out: bool) -> tuple[Path, ...]:
    """List the photographs of a folder, recursively, or those of packages.

    Args:
        folder: folder of JPEG, PNG or WebP files; None for those in the wheels of scikit-image and
            scikit-learn.
        held_out: True for the packages' photographs that are kept out of training; a folder's are
            all used.

    Raises:
        ValueError: the folder has no photograph.
        ModuleNotFoundError: a package is not installed.
    """
    if folder is None:
        names = HELD_OUT_TEXTURE_IMAGES if held_out else TRAINING_TEXTURE_IMAGES
        return tuple(locate_texture_image(name) for name, scene in names.items() if scene)
    found = tuple(path for path in sorted(folder.rglob('*')) if path.suffix.lower() in _ENDINGS)
    if not found:
        raise ValueError(
            f'{folder} has no photograph; expected files that end in {", ".join(_ENDINGS)}'
        )
    return found


@lru_cache(maxsize=8)
def read_photograph(path: Path) -> np.ndarray:
    """Read a photograph upright, shrunk to at most 1280 pixels: uint8 [H, W, 3] RGB.

    Raises:
        ValueError: a side has fewer than 200 pixels.
        OSError: the file is not an image.
    """
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image).convert('RGB')
    if min(upright.size) < _SMALLEST:
        raise ValueError(
            f'{path} has {upright.width} x {upright.height} pixels; expected at least {_SMALLEST} '
            'on each side. Leave it out'
        )
    upright.thumbnail((_LARGEST, _LARGEST), Image.Resampling.LANCZOS)
    return np.asarray(upright)


_TRIES = 60
_LEAST_COVERED = 0.98
_CANDIDATES = 80
_QUALITY = 0.02
# Least distance of points from each other and from the border, as shares of the shorter side.
_APART, _MARGIN = 0.07, 0.1
_BRIGHTNESS = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class PhotographView:
    """Image of a photograph through a homography.

    Attributes:
        size: (width, height) of the image.
        matrix: float64 [3, 3], from pixels of the photograph to those of the image; the last
            coordinate is positive in the image, and nothing is mirrored.
    """

    size: tuple[int, int]
    matrix: np.ndarray

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Map points of the photograph, float64 [P, 2] pixels, to the image: [P, 2]."""
        mapped = np.column_stack([points, np.ones(len(points))]) @ self.matrix.T
        return np.asarray(mapped[:, :2] / mapped[:, 2:])

    def scale_at(self, point: np.ndarray) -> float:
        """Return the number of image pixels per pixel of the photograph, along one side."""
        last = float(self.matrix[2] @ [*point, 1.0])
        # the determinant of the homography's derivative
        return math.sqrt(abs(float(np.linalg.det(self.matrix)) / last**3))

    def take(self, photograph: np.ndarray) -> np.ndarray:
        """Return the image, uint8 [H, W, 3] RGB, of a photograph of the same type."""
        middle = np.linalg.inv(self.matrix) @ [self.size[0] / 2, self.size[1] / 2, 1.0]
        scale = self.scale_at(middle[:2] / middle[2])
        if scale < 0.7:
            # shrinking without this would alias
            photograph = cv2.GaussianBlur(photograph, (0, 0), 0.35 / scale)
        replicate = cv2.BORDER_REPLICATE
        return cv2.warpPerspective(photograph, self.matrix, self.size, borderMode=replicate)

    def covered(self, photograph: np.ndarray) -> float:
        """Return the share of the image that the photograph covers."""
        width, height = self.size
        columns, rows = np.meshgrid(np.linspace(0, width, 12), np.linspace(0, height, 12))
        grid = np.column_stack([columns.ravel(), rows.ravel(), np.ones(columns.size)])
        seen = grid @ np.linalg.inv(self.matrix).T
        ahead = seen[:, 2] * seen[0, 2] > 0
        positions = seen[:, :2] / seen[:, 2:]
        limit = np.array([photograph.shape[1], photograph.shape[0]])
        inside = ((positions >= 0) & (positions <= limit)).all(axis=1)
        return float((ahead & inside).mean())


def sample_near_view(
    photograph: np.ndarray, size: tuple[int, int], rng: np.random.Generator
) -> PhotographView:
    """Draw the view of a demonstration: most of the photograph, slightly from one side."""
    height, width = photograph.shape[:2]
    most = min(width / size[0], height / size[1])

    def draw() -> PhotographView:
        scale = 1 / (most * rng.uniform(0.6, 0.97))
        free = np.array([width, height]) - np.array(size) / scale
        centre = np.array(size) / scale / 2 + rng.uniform(0, 1, 2) * free.clip(0)
        middle = np.array(size) / 2
        return _view(centre, middle, size, scale, math.radians(rng.normal(0, 3)), 0.04, rng)

    return _best(photograph, draw)


def sample_other_view(
    photograph: np.ndarray,
    size: tuple[int, int],
    point: np.ndarray,
    scale: float,
    rng: np.random.Generator,
) -> PhotographView:
    """Draw another view that shows a point of the photograph.

    Args:
        photograph: uint8 [H, W, 3].
        size: (width, height) of the image.
        point: [2] pixels of the photograph.
        scale: pixels of the demonstration's image for one of the photograph; the view has half
            as many to twice as many.
    """

    def draw() -> PhotographView:
        zoom = scale * 2 ** rng.uniform(-1, 1)
        position = rng.uniform(0.15, 0.85, 2) * size
        turn = math.radians(rng.normal(0, 12))
        return _view(point, position, size, zoom, turn, rng.uniform(0.05, 0.22), rng)

    return _best(photograph, draw)


def _view(
    point: np.ndarray,
    position: np.ndarray,
    size: tuple[int, int],
    scale: float,
    turn: float,
    tilt: float,
    rng: np.random.Generator,
) -> PhotographView:
    """Return a view with a point of the photograph at a given pixel of the image.

    `tilt` is the shift of the image's corners, as a share of its sides.
    """
    cosine, sine = scale * math.cos(turn), scale * math.sin(turn)
    linear = np.array([[cosine, -sine], [sine, cosine]])
    similar = np.eye(3)
    similar[:2, :2], similar[:2, 2] = linear, position - linear @ point
    width, height = size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + rng.uniform(-tilt, tilt, (4, 2)) * size
    bend = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    matrix = bend @ similar
    # the bend moves the point, which is moved back
    mapped = matrix @ np.array([*point, 1.0])
    shift = np.eye(3)
    shift[:2, 2] = position - mapped[:2] / mapped[2]
    # the last coordinate is 1 at the point
    return PhotographView(size, shift @ matrix / mapped[2])


def _best(photograph: np.ndarray, draw: Callable[[], PhotographView]) -> PhotographView:
    """Return the first view that the photograph covers completely, or else the best one."""
    drawn: list[tuple[float, PhotographView]] = []
    for _ in range(_TRIES):
        view = draw()
        drawn.append((view.covered(photograph), view))
        if drawn[-1][0] >= _LEAST_COVERED:
            break
    return max(drawn, key=lambda pair: pair[0])[1]


def find_interest_points(image: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw points that can be recognized again, so that a hand may touch them.

    Args:
        image: uint8 [H, W, 3] RGB.
        count: number of points.

    Returns:
        float64 [at most count, 2] pixels with structure around them.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    side = min(grey.shape)
    margin = round(_MARGIN * side)
    mask = np.zeros_like(grey)
    mask[margin:-margin, margin:-margin] = 255
    # structure of the size of a fingertip rather than of a pixel
    smooth = cv2.GaussianBlur(grey, (0, 0), side / 120)
    corners = cv2.goodFeaturesToTrack(
        smooth, _CANDIDATES, _QUALITY, _APART * side, mask=mask, blockSize=max(3, side // 40)
    )
    if corners is None:
        middle = [[(image.shape[1] - 1) / 2, (image.shape[0] - 1) / 2]]
        return np.array(middle)
    positions = corners[:, 0].astype(np.float64)
    return np.asarray(positions[rng.permutation(len(positions))[:count]])


def change_light(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return an image, uint8 [H, W, 3] RGB, in a different light.

    It differs in brightness, from one side, in contrast, saturation and warmth.
    """
    height, width = image.shape[:2]
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    angle = rng.uniform(0, 2 * math.pi)
    slope = rng.uniform(0, 0.35)
    light = 1 + slope * (columns * math.cos(angle) + rows * math.sin(angle))
    colours = image.astype(np.float32) / 255
    grey = (colours @ _BRIGHTNESS)[..., None]
    colours = grey + rng.uniform(0.6, 1.25) * (colours - grey)
    warmth = rng.normal(0, 0.07)
    balance = np.array([1 + warmth, 1.0, 1 - warmth], np.float32)
    contrast, level = rng.uniform(0.75, 1.2), rng.uniform(0.75, 1.15)
    changed = ((colours - 0.45) * contrast + 0.45) * level * balance * light[..., None]
    return np.asarray(np.round(changed.clip(0, 1) * 255).astype(np.uint8))
