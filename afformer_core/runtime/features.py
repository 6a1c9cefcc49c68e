# SPDX-License-Identifier: Apache-2.0
"""Features of images and demonstrations in the networks of a model, and their similarity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from afformer_core.arrays import FloatArray

Stages = tuple[FloatArray, ...]
"""Backbone stages of a matching network, coarse to fine: each float32 [C, h, w] of an image, or
[T, C, h, w] of T frames."""

# Standard deviation of the compared neighbourhood of the heatmap, as a share of the image's side.
_SPREAD = 1 / 8
_LEAST_WEIGHT = 0.1
# Neighbouring features are so similar that more positions would change the mean by only 0.005.
_MOST_POSITIONS = 96


@dataclass(frozen=True)
class ImageFeatures:
    """Features of one image or frame.

    Attributes:
        decoder: float32 [C, h, w], from the encoder of the decoder's network.
        stages: stages of the matching network; empty without one.
    """

    decoder: FloatArray
    stages: Stages = ()


@dataclass(frozen=True)
class FrameFeatures:
    """Features of the T frames of a demonstration, in order, T at least 1.

    Attributes:
        decoder: float32 [T, C, h, w], from the encoder of the decoder's network.
        stages: stages of the matching network; empty without one.

    Raises:
        ValueError: a type or shape is wrong, or the lengths differ.
    """

    decoder: FloatArray
    stages: Stages = ()

    def __post_init__(self) -> None:
        for features in (self.decoder, *self.stages):
            if features.dtype != np.float32 or features.ndim != 4:
                raise ValueError(
                    f'features are {features.dtype} {features.shape}; expected float32 '
                    '[T, C, h, w]'
                )
        lengths = {len(features) for features in (self.decoder, *self.stages)}
        if len(lengths) != 1 or 0 in lengths:
            raise ValueError(
                f'features of {sorted(lengths)} frames are given; expected the same number in '
                'each network, at least one'
            )

    def __len__(self) -> int:
        return len(self.decoder)

    def __getitem__(self, index: int) -> ImageFeatures:
        """Return the features of one frame."""
        return ImageFeatures(self.decoder[index], tuple(stage[index] for stage in self.stages))

    def select(self, indices: Sequence[int]) -> FrameFeatures:
        """Return the features of some frames, at least one, in the given order."""
        kept = list(indices)
        return FrameFeatures(self.decoder[kept], tuple(stage[kept] for stage in self.stages))

    @classmethod
    def stack(cls, frames: Sequence[ImageFeatures]) -> FrameFeatures:
        """Stack the features of frames, at least one, into contiguous arrays."""
        stages = zip(*(frame.stages for frame in frames), strict=True)
        return cls(
            np.ascontiguousarray(np.stack([frame.decoder for frame in frames])),
            tuple(np.ascontiguousarray(np.stack(stage)) for stage in stages),
        )


class DemonstrationFeatures:
    """Features of a demonstration's first and last frame, for comparison with images.

    A softmax has a peak on any image, even of another scene or a blank wall. The heatmap alone
    therefore does not show that the element is in view. The surroundings of its peak must also be
    similar to a part of the demonstration's first or last frame, in which the hand hides least.

    Args:
        features: float32 [T, C, h, w] of the frames in order, T at least 1.
    """

    def __init__(self, features: FloatArray) -> None:
        ends = features[sorted({0, len(features) - 1})]
        positions = np.moveaxis(ends, 1, 3).reshape(-1, features.shape[1])
        self._mean = positions.mean(axis=0)
        self._scale = 1 / (positions.std(axis=0) + 1e-6)
        self._positions = self._directions(positions)

    def feature_similarity(self, image_features: FloatArray, probabilities: FloatArray) -> float:
        """Compute the feature similarity of the demonstration and the surroundings of a heatmap.

        This is the mean, over the positions around the heatmap, of the largest cosine between the
        features there and those of any position of the demonstration. The mean is weighted by the
        heatmap blurred over an eighth of the image's side; features are standardised over the
        demonstration.

        Args:
            image_features: float32 [C, h, w].
            probabilities: float32 heatmap of the same image, of any size, of sum 1.

        Returns:
            -1 to 1.
        """
        height, width = image_features.shape[1:]
        weights = cv2.resize(probabilities, (width, height), interpolation=cv2.INTER_AREA)
        weights = cv2.GaussianBlur(weights, (0, 0), _SPREAD * min(height, width)).ravel()
        near = np.flatnonzero(weights > _LEAST_WEIGHT * weights.max())
        near = near[:: -(-len(near) // _MOST_POSITIONS)]
        positions = self._directions(image_features.reshape(len(image_features), -1).T[near])
        best = (positions @ self._positions.T).max(axis=1)
        return float(np.average(best, weights=weights[near]))

    def describe(self, image_features: FloatArray, probabilities: FloatArray) -> FloatArray:
        """Compute a descriptor of the image at the heatmap's peak, to compare from image to image.

        Args:
            image_features: float32 [C, h, w].
            probabilities: float32 heatmap of the same image, of any size, of sum 1.

        Returns:
            float32 [C] of length 1: the mean of the standardised features where the heatmap
            exceeds a third of its maximum, weighted by it.
        """
        height, width = image_features.shape[1:]
        weights = cv2.resize(probabilities, (width, height), interpolation=cv2.INTER_AREA).ravel()
        high = np.flatnonzero(weights > weights.max() / 3)
        positions = self._directions(image_features.reshape(len(image_features), -1).T[high])
        mean = weights[high] @ positions
        return np.asarray(mean / (np.linalg.norm(mean) + 1e-6), dtype=np.float32)

    def _directions(self, positions: FloatArray) -> FloatArray:
        standardised = (positions - self._mean) * self._scale
        lengths = np.linalg.norm(standardised, axis=1, keepdims=True) + 1e-6
        return np.asarray(standardised / lengths, dtype=np.float32)
