# SPDX-License-Identifier: Apache-2.0
"""The matcher: the position in an image that corresponds to the contact of a demonstration."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray
from afformer_core.media.polygons import Point
from afformer_core.runtime.matching.contact import NEAR, ContactPositions
from afformer_core.runtime.matching.feature_maps import (
    FeatureMap,
    FeaturePyramid,
    PointDescriptors,
    similarity_maps,
)

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
