# SPDX-License-Identifier: Apache-2.0
"""Views of a photograph by homographies: crops, other distances, directions and roll angles."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

_TRIES = 60
_LEAST_COVERED = 0.98


@dataclass(frozen=True)
class PhotographView:
    """Image of a photograph through a homography.

    Attributes:
        size: (width, height) of the image.
        matrix: float64 [3, 3], from pixels of the photograph to those of the image; the last
            coordinate is positive in the image, and nothing is mirrored.

    Raises:
        ValueError: the matrix mirrors the photograph.
    """

    size: tuple[int, int]
    matrix: np.ndarray

    def __post_init__(self) -> None:
        if np.linalg.det(self.matrix) <= 0:
            raise ValueError(f'homography {self.matrix.tolist()} mirrors the photograph')

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Map points of the photograph, float64 [P, 2] pixels, to the image: [P, 2]."""
        mapped = np.column_stack([points, np.ones(len(points))]) @ self.matrix.T
        image: np.ndarray = mapped[:, :2] / mapped[:, 2:]
        return image

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
        return cv2.warpPerspective(
            photograph,
            self.matrix,
            self.size,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )

    def covered(self, photograph: np.ndarray) -> float:
        """Return the share of the image that the photograph covers."""
        width, height = self.size
        columns, rows = np.meshgrid(np.linspace(0, width, 12), np.linspace(0, height, 12))
        grid = np.column_stack([columns.ravel(), rows.ravel(), np.ones(columns.size)])
        seen = grid @ np.linalg.inv(self.matrix).T
        ahead = seen[:, 2] * seen[0, 2] > 0
        positions = seen[:, :2] / seen[:, 2:]
        limit = np.array([photograph.shape[1], photograph.shape[0]])
        return float(
            (ahead & (positions >= 0).all(axis=1) & (positions <= limit).all(axis=1)).mean()
        )


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
        rng: source of randomness.
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
    best: PhotographView | None = None
    most = -1.0
    for _ in range(_TRIES):
        view = draw()
        covered = view.covered(photograph)
        if covered > most:
            best, most = view, covered
        if most >= _LEAST_COVERED:
            break
    assert best is not None
    return best
