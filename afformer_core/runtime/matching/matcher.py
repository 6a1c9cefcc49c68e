# SPDX-License-Identifier: Apache-2.0
"""The matcher: the position in an image that corresponds to the contact of a demonstration.

It compares feature maps of both images at several scales. The cosine of a pretrained backbone's
features identifies corresponding positions in real images, after the mean over both images, which
contains the features that all positions share, is subtracted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray
from afformer_core.media.polygons import Point
from afformer_core.models.matching.configuration import COMPARED_STAGES
from afformer_core.runtime.matching.contact import NEAR, ContactPositions
from afformer_core.runtime.session import Stages

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
