# SPDX-License-Identifier: Apache-2.0
"""Calibrated presence of the demonstrated element."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from afformer_core.runtime.json_fields import ANY, JsonFields, Ranges

# Keeps the logit of a share finite; no heatmap of a model reaches these values.
_LEAST_SHARE = 1e-6


@dataclass(frozen=True)
class PresenceFeatures:
    """Features that indicate whether an image shows the demonstrated element.

    Attributes:
        confidence: confidence of the grounding, 0 to 1.
        feature_similarity: feature similarity of the grounding, -1 to 1.
        decoder_weight: see `Output`.
        decoder_certainty: certainty of the decoder, 0 to 1; 0 if it does not outweigh the matching
            network, or if the image does not look like the demonstration there. A part whose point
            is right is in view, so presence is at least this certainty.
    """

    confidence: float
    feature_similarity: float
    decoder_weight: float = 1.0
    decoder_certainty: float = 0.0

    def predictors(self) -> tuple[float, float]:
        """Return the predictors of the regression, those of the grounding alone."""
        return logit(self.confidence), self.feature_similarity


@dataclass(frozen=True)
class PresenceCalibration(JsonFields):
    """A logistic regression of presence on its features.

    Attributes:
        confidence: coefficient of the logit of the confidence, at least 0.
        feature_similarity: coefficient of the feature similarity.
        intercept: intercept of the regression.
        threshold: presence below which nothing counts as found, 0 to 1.
        auroc: area under the ROC curve on the pairs on which it was fitted, 0 to 1.
        pairs: number of pairs with the element in view on which it was fitted, and of as many
            negatives; at least 1.
        annotations: names of the datasets of the pairs.
        weights_sha256: hash of the weights for which it was fitted, in hexadecimal; it is not
            valid for other weights.

    Raises:
        ValueError: a value is out of its range.
    """

    confidence: float
    feature_similarity: float
    intercept: float
    threshold: float
    auroc: float
    pairs: int
    annotations: str
    weights_sha256: str

    _NAME = 'calibration'
    _RANGES: ClassVar[Ranges] = {
        'confidence': (0.0, math.inf),
        'feature_similarity': ANY,
        'intercept': ANY,
        'threshold': (0.0, 1.0),
        'auroc': (0.0, 1.0),
        'pairs': (1, math.inf),
    }

    def presence(self, features: PresenceFeatures) -> float:
        """Compute the probability that the element is in view; it increases with the confidence.

        Args:
            features: features of the grounding.

        Returns:
            0 to 1, where images with and without the element are equally frequent.
        """
        return max(probability(self.odds(features)), features.decoder_certainty)

    def odds(self, features: PresenceFeatures) -> float:
        """Compute the logarithm of the odds that the element is in view."""
        confidence, similarity = features.predictors()
        return self.confidence * confidence + self.feature_similarity * similarity + self.intercept


def logit(share: float) -> float:
    """Compute the logarithm of the odds of a share, 0 to 1; always finite."""
    kept = min(max(share, _LEAST_SHARE), 1 - _LEAST_SHARE)
    return math.log(kept / (1 - kept))


def probability(odds: float) -> float:
    """Compute the probability of the logarithm of odds, 0 to 1."""
    return 0.5 * (1 + math.tanh(0.5 * odds))
