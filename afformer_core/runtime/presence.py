# SPDX-License-Identifier: Apache-2.0
"""Calibrated presence of the demonstrated element."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from afformer_core.runtime.json_fields import checked_fields

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
class PresenceCalibration:
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

    def __post_init__(self) -> None:
        for name, low, high in (
            ('confidence', 0.0, math.inf),
            ('feature_similarity', -math.inf, math.inf),
            ('intercept', -math.inf, math.inf),
            ('threshold', 0.0, 1.0),
            ('auroc', 0.0, 1.0),
            ('pairs', 1, math.inf),
        ):
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise ValueError(
                    f'{name} of the calibration is {value}; expected a finite number from {low} '
                    f'to {high}'
                )

    def presence(self, features: PresenceFeatures) -> float:
        """Compute the probability that the element is in view; it increases with the confidence.

        Args:
            features: features of the grounding.

        Returns:
            0 to 1, where images with and without the element are equally frequent.
        """
        presence = 0.5 * (1 + math.tanh(0.5 * self.odds(features)))
        return max(presence, features.decoder_certainty)

    def odds(self, features: PresenceFeatures) -> float:
        """Compute the logarithm of the odds that the element is in view."""
        confidence, similarity = features.predictors()
        return self.confidence * confidence + self.feature_similarity * similarity + self.intercept

    def to_json(self) -> dict[str, Any]:
        """Return the calibration as plain JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> PresenceCalibration:
        """Build a calibration from the result of `to_json`.

        Raises:
            TypeError: a value has the wrong type.
            ValueError: a name is missing or unknown, or a value out of range.
        """
        return cls(**checked_fields(cls, content, 'calibration'))


def logit(share: float) -> float:
    """Compute the logarithm of the odds of a share, 0 to 1; always finite."""
    kept = min(max(share, _LEAST_SHARE), 1 - _LEAST_SHARE)
    return math.log(kept / (1 - kept))
