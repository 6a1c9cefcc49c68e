# SPDX-License-Identifier: Apache-2.0
"""The contact of a demonstration: the positions in its first frame that are touched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray
from afformer_core.media.polygons import Point

NEAR = 0.05
"""Distance within which two points of an image count as one, as a share of its diagonal."""

# Standard deviation of a person's mark, as a share of the diagonal.
_MARK_ERROR = 0.01
# Largest distance between a candidate and a mark on it, as a share of the diagonal.
_SAME = 0.005
# Number of positions that are compared with an image: the most probable ones.
_POSITIONS = 32
_LEAST_PROBABILITY = 1e-20


class ContactCandidate(NamedTuple):
    """A candidate for the contact of a demonstration.

    Attributes:
        x, y: position in the first frame, as shares of its width and height, 0 to 1.
        probability: probability among all candidates, 0 to 1.
    """

    x: float
    y: float
    probability: float


@dataclass(frozen=True, eq=False)
class ReadContact:
    """The contact that was read from a demonstration, over its first frame.

    Attributes:
        log_probabilities: float32 [rows, columns], of any size and scale.
        candidates: candidates, the most probable first, at least one.

    Raises:
        ValueError: the map has another type or shape or no finite value, or there is no candidate.
    """

    log_probabilities: FloatArray
    candidates: tuple[ContactCandidate, ...]

    def __post_init__(self) -> None:
        read = self.log_probabilities
        if read.dtype != np.float32 or read.ndim != 2 or not np.isfinite(read).any():
            raise ValueError(
                f'the contact map is {read.dtype} {read.shape}; expected float32 [rows, columns] '
                'with a finite value'
            )
        if not self.candidates:
            raise ValueError('the contact has 0 candidates; expected at least 1')

    @property
    def probability(self) -> float:
        """Probability of the first candidate, 0 to 1."""
        return self.candidates[0].probability


@dataclass(frozen=True, eq=False)
class ContactPositions:
    """The most probable positions of a contact.

    Attributes:
        points: [K, 2] (x, y) as shares of the frame's width and height, K at least 1.
        log_probabilities: float32 [K]; the probabilities add up to 1.
    """

    points: NDArray[np.float64]
    log_probabilities: FloatArray

    @classmethod
    def marked(
        cls, mark: Point, read: ReadContact | None, frame_size: tuple[int, int]
    ) -> ContactPositions:
        """Return the positions of a contact that is marked.

        A mark on a candidate chooses the positions of the map around it. Any other mark is
        precise, and has a small error.

        Args:
            mark: (x, y) as shares of the frame's width and height.
            read: the contact that was read, if any.
            frame_size: (height, width) of the frame.
        """
        if read is not None:
            candidates = np.array(read.candidates)[:, :2]
            away = distances(np.array([mark]), candidates, frame_size)[0]
            if away.min() <= _SAME:
                chosen = candidates[[int(away.argmin())]]
                points = cell_centres(read.log_probabilities.shape)
                near = distances(points, chosen, frame_size)[:, 0] <= NEAR
                if near.any():
                    return cls._likeliest(points[near], read.log_probabilities.ravel()[near])
        height, width = frame_size
        steps = np.arange(-2, 3)
        offsets = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
        squares = np.square(offsets).sum(axis=1)
        kept = squares <= 4
        points = mark + _MARK_ERROR * np.hypot(height, width) * offsets[kept] / (width, height)
        return cls._likeliest(np.clip(points, 0, 1), -squares[kept] / 2)

    @classmethod
    def found(cls, logits: FloatArray) -> ContactPositions:
        """Return the most probable positions of a map [rows, columns] of logits."""
        return cls._likeliest(cell_centres(logits.shape), logits.ravel())

    @classmethod
    def read(cls, contact: ReadContact, frame_size: tuple[int, int]) -> ContactPositions:
        """Return the most probable positions of a contact that was read.

        The region of each candidate, in which no other one is nearer, has its probability, which
        is distributed as in the map.

        Args:
            contact: the contact.
            frame_size: (height, width) of the frame.
        """
        points = cell_centres(contact.log_probabilities.shape)
        logits = contact.log_probabilities.ravel().astype(np.float64)
        candidates = np.array(contact.candidates)
        nearest = distances(points, candidates[:, :2], frame_size).argmin(axis=1)
        for number, candidate in enumerate(contact.candidates):
            region = nearest == number
            if region.any():
                probability = max(candidate.probability, _LEAST_PROBABILITY)
                logits[region] = _normalised(logits[region]) + np.log(probability)
        return cls._likeliest(points, logits)

    @classmethod
    def _likeliest(
        cls, points: NDArray[np.float64], logits: NDArray[np.floating]
    ) -> ContactPositions:
        chosen = np.argsort(-logits, kind='stable')[:_POSITIONS]
        return cls(points[chosen], _normalised(logits[chosen]).astype(np.float32))


def cell_centres(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the centres [rows * columns, 2] (x, y) of cells, as shares of width and height."""
    rows, columns = shape
    y, x = np.mgrid[:rows, :columns]
    return np.stack(((x.ravel() + 0.5) / columns, (y.ravel() + 0.5) / rows), axis=1)


def distances(
    points: NDArray[np.float64], others: NDArray[np.float64], size: tuple[int, int]
) -> NDArray[np.float64]:
    """Compute the distances [N, M] between points of an image, as shares of its diagonal.

    Args:
        points, others: [N, 2] and [M, 2] (x, y) as shares of width and height.
        size: (height, width) of the image.
    """
    gaps = (points[:, None] - others[None]) * size[::-1]
    return np.asarray(np.hypot(gaps[..., 0], gaps[..., 1]) / np.hypot(*size), np.float64)


def on_grid(contact_map: FloatArray, size: tuple[int, int]) -> FloatArray:
    """Compute the log-probability of a contact map on a grid of (height, width).

    Args:
        contact_map: log-probability [rows, columns], of any scale.
        size: (height, width) of the result.
    """
    shares = np.exp(contact_map - contact_map.max())
    resized = cv2.resize(shares.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA)
    likely = np.maximum(resized / resized.sum(), _LEAST_PROBABILITY)
    return np.asarray(np.log(likely), np.float32)


def _normalised(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Compute log-probabilities of logits."""
    return np.asarray(logits - np.logaddexp.reduce(logits), np.float64)
