# SPDX-License-Identifier: Apache-2.0
"""The contact of a demonstration, and the position in an image that corresponds to it.

The matcher compares feature maps of both images at several scales. The cosine of a pretrained
backbone's features identifies corresponding positions in real images, after the mean over both
images, which contains the features that all positions share, is subtracted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray
from afformer_core.media.polygons import Point
from afformer_core.models.matching.configuration import COMPARED_STAGES
from afformer_core.runtime.session import Stages

NEAR = 0.05
"""Distance within which two points of an image count as one, as a share of its diagonal."""

# Standard deviation of a person's mark, as a share of the diagonal.
_MARK_ERROR = 0.01
# Largest distance between a candidate and a mark on it, as a share of the diagonal.
_SAME = 0.005
# Number of positions that are compared with an image: the most probable ones.
_POSITIONS = 32
_LEAST_CANDIDATE = 1e-20


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
                probability = max(candidate.probability, _LEAST_CANDIDATE)
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
    likely = np.maximum(resized / resized.sum(), _LEAST_CANDIDATE)
    return np.asarray(np.log(likely), np.float32)


def _normalised(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Compute log-probabilities of logits."""
    return np.asarray(logits - np.logaddexp.reduce(logits), np.float64)


# Keeps the length of a descriptor that equals the common mean from being 0.
_LEAST_LENGTH = 1e-6


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """The features of one image at one scale and in one stage.

    Attributes:
        features: float32 [C, h, w].
    """

    features: FloatArray

    @cached_property
    def mean(self) -> FloatArray:
        """Mean features over the image, float32 [C]."""
        return np.asarray(self.features.mean(axis=(1, 2)), np.float32)

    @cached_property
    def centred(self) -> FloatArray:
        """Features without their mean over the image, float32 [C, h * w]."""
        channels = len(self.features)
        return np.asarray(self.features.reshape(channels, -1) - self.mean[:, None], np.float32)

    @cached_property
    def squares(self) -> FloatArray:
        """Squared length of the centred features at each position, float32 [h * w]."""
        return np.asarray(np.einsum('cp,cp->p', self.centred, self.centred))

    def describe(self, points: Sequence[Point]) -> FloatArray:
        """Interpolate the features at K points bilinearly; float32 [K, C].

        Args:
            points: (x, y) as shares of the image's width and height. Points beyond the centres of
                the outermost positions have the features of these positions.
        """
        height, width = self.features.shape[1:]
        shares = np.asarray(points, np.float64)
        columns = np.clip(shares[:, 0] * width - 0.5, 0, width - 1)
        rows = np.clip(shares[:, 1] * height - 0.5, 0, height - 1)
        left, top = (np.floor(at).astype(int) for at in (columns, rows))
        right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
        across, down = (columns - left).astype(np.float32), (rows - top).astype(np.float32)
        above = self.features[:, top, left] * (1 - across) + self.features[:, top, right] * across
        below = (
            self.features[:, bottom, left] * (1 - across)
            + self.features[:, bottom, right] * across
        )
        return np.ascontiguousarray((above * (1 - down) + below * down).T)

    def cosines(self, descriptors: FloatArray, mean: FloatArray) -> FloatArray:
        """Compute the cosine of each position and each of K descriptors; float32 [K, h, w].

        The mean over both images is subtracted from all features.

        Args:
            descriptors: features at points of the other image, float32 [K, C].
            mean: mean features of the other image, float32 [C].
        """
        _, height, width = self.features.shape
        # The common mean is this much less than the image's own. The features are centred once, at
        # their own mean, instead of being copied for each demonstration.
        less = (self.mean - mean) / 2
        centred = descriptors - (self.mean - less)
        products = np.vstack((centred, less)) @ self.centred
        squares = self.squares + 2 * products[-1] + less @ less
        lengths = np.sqrt(np.maximum(squares, _LEAST_LENGTH**2))
        own = np.maximum(np.linalg.norm(centred, axis=1), _LEAST_LENGTH)
        cosines = (products[:-1] + (centred @ less)[:, None]) / (own[:, None] * lengths)
        return np.asarray(cosines.reshape(-1, height, width), np.float32)


FeaturePyramid = tuple[FeatureMap, ...]
"""The feature maps of one image: the compared stages, coarse to fine, at each scale in order."""


def feature_pyramid(scales: Sequence[Stages]) -> FeaturePyramid:
    """Build the feature maps of an image from its stages, each [C, h, w], at each scale."""
    return tuple(FeatureMap(stage) for stages in scales for stage in stages[:COMPARED_STAGES])


@dataclass(frozen=True, eq=False)
class PointDescriptors:
    """Features at K points of an image, in each feature map of its pyramid.

    Attributes:
        values: features at the points, each float32 [K, C].
        means: mean features of the image, each float32 [C].
    """

    values: tuple[FloatArray, ...]
    means: tuple[FloatArray, ...]

    @classmethod
    def of(cls, pyramid: FeaturePyramid, points: Sequence[Point]) -> PointDescriptors:
        """Describe points (x, y) of an image, as shares of its width and height."""
        return cls(
            tuple(level.describe(points) for level in pyramid),
            tuple(level.mean for level in pyramid),
        )


def similarity_maps(
    descriptors: PointDescriptors, pyramid: FeaturePyramid, size: tuple[int, int]
) -> FloatArray:
    """Compute the similarity of each position of an image to each of K points of another one.

    Args:
        descriptors: descriptors of the points, in as many feature maps as the pyramid has.
        pyramid: feature maps of the image.
        size: (height, width) of the result.

    Returns:
        float32 [K, height, width], the mean over the feature maps of the cosines; -1 to 1.
    """
    height, width = size
    # The rows of all maps are enlarged in one product, which also adds them up.
    rows, across = [], []
    for values, mean, level in zip(descriptors.values, descriptors.means, pyramid, strict=True):
        cosines = level.cosines(values, mean)
        rows.append(_interpolation(cosines.shape[1], height))
        across.append(cosines @ _interpolation(cosines.shape[2], width).T)
    mean_across = np.concatenate(across, axis=1) / np.float32(len(pyramid))
    return np.asarray(np.matmul(np.concatenate(rows, axis=1), mean_across), np.float32)


@lru_cache(256)
def _interpolation(count: int, length: int) -> FloatArray:
    """Return the weights [length, count] that interpolate values at the centres of cells."""
    at = np.clip((np.arange(length) + 0.5) * count / length - 0.5, 0, count - 1)
    return np.asarray(np.maximum(1 - np.abs(at[:, None] - np.arange(count)), 0), np.float32)


SHARPNESS = 30.0
"""Factor of a similarity in the logits of the positions."""
HEATMAP_SIDE = 128
"""Cells of a heatmap along the image's longer side."""

_LEAST_PROBABILITY = 1e-30


def heatmap_size(image_size: tuple[int, int]) -> tuple[int, int]:
    """Return (height, width) of the heatmap of an image of (height, width), of the same aspect."""
    scale = HEATMAP_SIDE / max(image_size)
    height, width = (max(1, round(side * scale)) for side in image_size)
    return height, width


@dataclass(frozen=True, eq=False)
class Match:
    """The positions in an image that correspond to a contact.

    Attributes:
        logits: log-probability of each position, float32 [h, w].
        similarity: largest similarity of any position of the image and of the contact, -1 to 1.
    """

    logits: FloatArray
    similarity: float


@dataclass(frozen=True, eq=False)
class DescribedContact:
    """The contact of a demonstration, described for the comparison with images.

    Attributes:
        positions: its most probable positions.
        descriptors: features of the first frame at these positions.
        frame: feature maps of the first frame in half precision, each [C, h, w].
        frame_size: (height, width) of the frame.
    """

    positions: ContactPositions
    descriptors: PointDescriptors
    frame: tuple[NDArray[np.float16], ...]
    frame_size: tuple[int, int]

    @classmethod
    def of(
        cls, pyramid: FeaturePyramid, positions: ContactPositions, frame_size: tuple[int, int]
    ) -> DescribedContact:
        """Describe a contact in the first frame, whose feature maps are given."""
        points = [(float(x), float(y)) for x, y in positions.points]
        return cls(
            positions,
            PointDescriptors.of(pyramid, points),
            tuple(level.features.astype(np.float16) for level in pyramid),
            frame_size,
        )

    def match(self, image: FeaturePyramid, size: tuple[int, int]) -> Match:
        """Find the contact in an image.

        The probability of a position of the image is the sum over the positions of the contact of
        their probability times the softmax over the image of its similarity to them. A position
        of the frame that resembles much of the image, such as a wall, therefore favours nothing.

        Args:
            image: feature maps of the image.
            size: (height, width) of the result.
        """
        similarities = similarity_maps(self.descriptors, image, size)
        highest = similarities.max(axis=(1, 2))
        # In place, because each copy takes as long as the exponential function.
        powers = similarities
        powers -= highest[:, None, None]
        powers *= np.float32(SHARPNESS)
        np.exp(powers, out=powers)
        shares = np.exp(self.positions.log_probabilities) / powers.sum(axis=(1, 2))
        probabilities = np.tensordot(shares, powers, 1)
        logits = np.log(np.maximum(probabilities, _LEAST_PROBABILITY))
        return Match(np.asarray(logits, np.float32), float(highest.max()))

    def return_probability(self, image: FeaturePyramid, point: Point) -> float:
        """Compute the probability that a point of an image, matched back, is at the contact.

        This is the probability within 5 % of the frame's diagonal of a position of the contact,
        the largest one of all its positions.

        Args:
            image: feature maps of the image.
            point: (x, y) as shares of the image's width and height.

        Returns:
            0 to 1.
        """
        size = heatmap_size(self.frame_size)
        frame = tuple(FeatureMap(features.astype(np.float32)) for features in self.frame)
        descriptors = PointDescriptors.of(image, [point])
        similarities = SHARPNESS * similarity_maps(descriptors, frame, size)[0]
        shares = np.exp(similarities - similarities.max())
        around = cv2.filter2D(shares, -1, _disc(size), borderType=cv2.BORDER_CONSTANT)
        height, width = size
        x, y = self.positions.points.T
        columns = np.minimum((x * width).astype(int), width - 1)
        rows = np.minimum((y * height).astype(int), height - 1)
        return min(float(around[rows, columns].max() / shares.sum(dtype=np.float64)), 1.0)


def _disc(size: tuple[int, int]) -> FloatArray:
    """Return a kernel of ones within 5 % of the diagonal of a grid of (height, width)."""
    radius = NEAR * math.hypot(*size)
    offsets = np.arange(-int(radius), int(radius) + 1)
    return (np.hypot(offsets[:, None], offsets) <= radius).astype(np.float32)
