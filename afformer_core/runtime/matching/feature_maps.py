# SPDX-License-Identifier: Apache-2.0
"""Feature maps of an image at several scales, and their similarity to points of another image.

The cosine of a pretrained backbone's features identifies corresponding positions in real images,
after the mean over both images, which contains the features that all positions share, is
subtracted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from afformer_core.arrays import FloatArray
from afformer_core.media.polygons import Point
from afformer_core.models.matching.configuration import COMPARED_STAGES
from afformer_core.runtime.features import Stages

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
