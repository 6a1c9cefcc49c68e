# SPDX-License-Identifier: Apache-2.0
"""Calibrated presence of what was demonstrated, and feature similarity as evidence of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np

from afformer_core.arrays import FloatArray
from afformer_core.runtime.json_fields import checked_fields

# Keeps the logit of a share finite; no heatmap of a model is as sharp or as empty.
_LEAST_SHARE = 1e-6


@dataclass(frozen=True)
class PresenceCalibration:
    """A logistic regression on what a grounding knows, fitted on images with and without it.

    Attributes:
        confidence: coefficient of the logit of the confidence, at least 0.
        resemblance: coefficient of the resemblance.
        intercept: of the regression.
        threshold: presence below which nothing is found, 0 to 1.
        auroc: area under the ROC curve on the pairs that it was fitted on, 0 to 1.
        pairs: how many images with, and as many without, it was fitted on; at least 1.
        annotations: that they are of.
        weights_sha256: of the weights that gave the evidence, in hexadecimal; it says nothing of
            what others give.
    """

    confidence: float
    resemblance: float
    intercept: float
    threshold: float
    auroc: float
    pairs: int
    annotations: str
    weights_sha256: str

    def __post_init__(self) -> None:
        for name, low, high in (
            ('confidence', 0.0, math.inf),
            ('resemblance', -math.inf, math.inf),
            ('intercept', -math.inf, math.inf),
            ('threshold', 0.0, 1.0),
            ('auroc', 0.0, 1.0),
            ('pairs', 1, math.inf),
        ):
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise ValueError(
                    f'{name} of the calibration is {value}; a finite number from {low} to {high} '
                    'is wanted'
                )

    def presence(self, confidence: float, resemblance: float) -> float:
        """Probability that an image shows what was demonstrated; it rises with the confidence.

        Args:
            confidence: of the grounding, 0 to 1.
            resemblance: of the grounding, -1 to 1.

        Returns:
            0 to 1, where such images and others are as frequent.
        """
        odds = self.confidence * logit(confidence) + self.resemblance * resemblance
        return 0.5 * (1 + math.tanh(0.5 * (odds + self.intercept)))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> PresenceCalibration:
        """What `to_json` gave.

        Raises:
            TypeError: a value has the wrong type.
            ValueError: a name is missing or unknown, or a value out of range.
        """
        return cls(**checked_fields(cls, content, 'calibration'))


def logit(share: float) -> float:
    """Logarithm of the odds of a share, 0 to 1; always finite."""
    kept = min(max(share, _LEAST_SHARE), 1 - _LEAST_SHARE)
    return math.log(kept / (1 - kept))


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
