# SPDX-License-Identifier: Apache-2.0
"""Whether an image shows at all what a demonstration shows: the evidence beside the heatmap."""

from __future__ import annotations

import cv2
import numpy as np

from afformer_core.runtime.session import FloatArray

# Spread of the neighbourhood of the heatmap that is looked at, as a share of the image's side.
_SPREAD = 1 / 8
_LEAST_WEIGHT = 0.1
# Neighbours look so much alike that more places than these change the mean by 0.005.
_MOST_PLACES = 96


class Appearance:
    """What the things of a demonstration look like, in the features of the model.

    A softmax has a peak on any image, one of another appliance or of a wall too, so the heatmap
    alone is no evidence that the place is in view. Its surroundings must also look like something
    in the demonstration: in its first and last frame, where the hand is least in the way.

    Args:
        features: float32 [T, C, h, w] of the frames in order, T at least 1.
    """

    def __init__(self, features: FloatArray) -> None:
        ends = features[sorted({0, len(features) - 1})]
        places = np.moveaxis(ends, 1, 3).reshape(-1, features.shape[1])
        self._mean = places.mean(axis=0)
        self._scale = 1 / (places.std(axis=0) + 1e-6)
        self._places = self._directions(places)

    def resemblance(self, image_features: FloatArray, probabilities: FloatArray) -> float:
        """How much the surroundings of the heatmap look like the demonstration.

        The mean over the places around the heatmap, weighted by the heatmap smeared over an
        eighth of the image's side, of the largest cosine between the features there and those of
        any place of the demonstration; features are standardised over the demonstration.

        Args:
            image_features: float32 [C, h, w].
            probabilities: float32 heatmap of the same image, of any size, sum 1.

        Returns:
            -1 to 1.
        """
        height, width = image_features.shape[1:]
        weights = cv2.resize(probabilities, (width, height), interpolation=cv2.INTER_AREA)
        weights = cv2.GaussianBlur(weights, (0, 0), _SPREAD * min(height, width)).ravel()
        near = np.flatnonzero(weights > _LEAST_WEIGHT * weights.max())
        near = near[:: -(-len(near) // _MOST_PLACES)]
        places = self._directions(image_features.reshape(len(image_features), -1).T[near])
        best = (places @ self._places.T).max(axis=1)
        return float(np.average(best, weights=weights[near]))

    def describe(self, image_features: FloatArray, probabilities: FloatArray) -> FloatArray:
        """What the place under the heatmap looks like, to be compared from image to image.

        Args:
            image_features: float32 [C, h, w].
            probabilities: float32 heatmap of the same image, of any size, sum 1.

        Returns:
            float32 [C] of length 1, the mean of the standardised features where the heatmap is
            more than a third of its maximum, weighted by it.
        """
        height, width = image_features.shape[1:]
        weights = cv2.resize(probabilities, (width, height), interpolation=cv2.INTER_AREA).ravel()
        high = np.flatnonzero(weights > weights.max() / 3)
        places = self._directions(image_features.reshape(len(image_features), -1).T[high])
        mean = weights[high] @ places
        return np.asarray(mean / (np.linalg.norm(mean) + 1e-6), dtype=np.float32)

    def _directions(self, places: FloatArray) -> FloatArray:
        standardised = (places - self._mean) * self._scale
        lengths = np.linalg.norm(standardised, axis=1, keepdims=True) + 1e-6
        return np.asarray(standardised / lengths, dtype=np.float32)
