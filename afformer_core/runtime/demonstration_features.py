# SPDX-License-Identifier: Apache-2.0
"""Features of a demonstration, and their similarity to an image."""

from __future__ import annotations

import cv2
import numpy as np

from afformer_core.arrays import FloatArray

# Standard deviation of the compared neighbourhood of the heatmap, as a share of the image's side.
_SPREAD = 1 / 8
_LEAST_WEIGHT = 0.1
# Neighbouring features are so similar that more positions would change the mean by only 0.005.
_MOST_POSITIONS = 96


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
