# SPDX-License-Identifier: Apache-2.0
"""Calibrations of a model in `model.json`: presence, certainty, and the decoder's weight.

Presence is the probability that the demonstrated element is in view; certainty, that the best
point lies on the demonstrated part.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from afformer_core.arrays import FloatArray
from afformer_core.runtime.peaks import share_at_maximum

if TYPE_CHECKING:
    from typing_extensions import Self


_TYPES: dict[str, tuple[type, ...]] = {'float': (float, int), 'int': (int,), 'str': (str,)}
_WORDS = {'float': 'a number', 'int': 'a whole number', 'str': 'text'}

Ranges = Mapping[str, tuple[float, float]]
"""Lowest and highest value of each number."""
ANY = -math.inf, math.inf
"""The range of all finite numbers."""


@dataclass(frozen=True)
class JsonFields:
    """A data class whose fields are floats, ints or texts; its annotations are strings.

    Raises:
        ValueError: a value is out of its range.
    """

    _NAME: ClassVar[str]
    """Name used in errors, such as 'calibration'."""
    _RANGES: ClassVar[Ranges]

    def __post_init__(self) -> None:
        for name, (low, high) in self._RANGES.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise ValueError(
                    f'{name} of the {self._NAME} is {value}; expected a finite number from {low} '
                    f'to {high}'
                )

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain JSON types, without those that have their default."""
        values = {field: getattr(self, field.name) for field in fields(self)}
        return {field.name: value for field, value in values.items() if value != field.default}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Build an object from the result of `to_json`.

        Raises:
            TypeError: a value has the wrong type.
            ValueError: a name is missing or unknown, or a value out of range.
        """
        types = {field.name: str(field.type) for field in fields(cls)}
        required = {field.name for field in fields(cls) if field.default is MISSING}
        if not required <= content.keys() <= types.keys():
            raise ValueError(
                f'the {cls._NAME} has the fields {sorted(content)}; expected {sorted(types)}'
            )
        for name, value in content.items():
            expected = types[name]
            if isinstance(value, bool) or not isinstance(value, _TYPES[expected]):
                raise TypeError(
                    f'{name} of the {cls._NAME} is {value!r}; expected {_WORDS[expected]}'
                )
        return cls(**content)


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


@dataclass(frozen=True)
class DecoderCertainty(JsonFields):
    """A logistic regression of certainty on the probability of the decoder's best peak.

    That probability is the share of the heatmap around the peak. The regression counts where the
    decoder, which does not use the contact, outweighs the matching network.

    Attributes:
        slope: coefficient of the logit of the probability, at least 0.
        intercept: intercept of the regression.
        auroc: area under the ROC curve of right against wrong points, 0 to 1, for the
            probability itself, which is not fitted.
        pairs: number of pairs on which it was fitted, at least 1.
        annotations: names of the datasets of the pairs.
        weights_sha256: hash of the weights for which it was fitted, in hexadecimal; it is not
            valid for other weights.

    Raises:
        ValueError: a value is out of its range.
    """

    slope: float
    intercept: float
    auroc: float
    pairs: int
    annotations: str
    weights_sha256: str

    _NAME = "decoder's certainty"
    _RANGES: ClassVar[Ranges] = {
        'slope': (0.0, math.inf),
        'intercept': ANY,
        'auroc': (0.0, 1.0),
        'pairs': (1, math.inf),
    }

    def certainty(self, share: float) -> float:
        """Compute the certainty of a point, 0 to 1, from the probability of the regression."""
        return probability(self.slope * logit(share) + self.intercept)


@dataclass(frozen=True)
class CertaintyCalibration(DecoderCertainty):
    """A logistic regression of certainty on the probabilities of the contact and of the match.

    A point is right if the contact was read at the right position and matched correctly in the
    image. The regression is therefore on the product of both probabilities (see
    `Prediction.right_probability`). Neither probability accounts for its own error rate; the
    regression corrects this.

    Attributes:
        threshold: certainty below which a robot should not act, 0 to 1.
        action_threshold: score below which the best action counts as unknown, 0 to 1; 1: always.
    """

    threshold: float
    action_threshold: float

    _NAME = 'certainty'
    _RANGES: ClassVar[Ranges] = {
        **DecoderCertainty._RANGES,
        'threshold': (0.0, 1.0),
        'action_threshold': (0.0, 1.0),
    }


@dataclass(frozen=True)
class Calibrations:
    """The calibrations of a model for its weights, each None if there is none.

    Attributes:
        presence: calibration of presence.
        certainty: calibration of certainty.
        decoder: the same for images in which the decoder outweighs the matching network.
    """

    presence: PresenceCalibration | None = None
    certainty: CertaintyCalibration | None = None
    decoder: DecoderCertainty | None = None


NO_CALIBRATIONS = Calibrations()


LEAST_WEIGHT = 0.5
"""Weight above which a decoder outweighs the matching network."""

# Exponent of the decoder's odds as a function of the odds of its confidence.
_STEEPNESS = 3.0
# The deficit is the number of nats by which the matching network finds the decoder's peak less
# probable than its best position. These are the deficit at even weights, and the effect of each
# further nat on the decoder's odds.
_EVEN_DISAGREEMENT = 2.0
_COST = 0.6


@dataclass(frozen=True)
class MatchingSettings(JsonFields):
    """The entry of `model.json` about the matching network in the subfolder `matching`.

    The decoder learns from simulated scenes. There its heatmaps are sharp and distinguish
    look-alikes. On real images they are faint, and the matching network, with features from
    ImageNet, is more reliable.

    Attributes:
        even_confidence: confidence of the decoder at which both heatmaps have the same weight, 0
            to 1, both excluded. The decoder's weight increases with its confidence, and decreases
            if the matching network assigns a low probability to its peak.
        weights_sha256: hash of the matching network's weights, in hexadecimal.
        exemplars_sha256: hash of the file of its exemplars (see `Exemplars`), in hexadecimal;
            empty if it has none.

    Raises:
        ValueError: the confidence is out of range.
    """

    even_confidence: float
    weights_sha256: str
    exemplars_sha256: str = ''

    _NAME = 'matching'
    _RANGES: ClassVar[Ranges] = {'even_confidence': (1e-9, 1 - 1e-9)}

    def decoder_weight(self, decoded: FloatArray, correlation: FloatArray) -> float:
        """Compute the weight of the decoder, 0 to 1.

        Args:
            decoded: its log-probabilities [h, w].
            correlation: log-probabilities of the matching network, [h, w].
        """
        confidence = logit(share_at_maximum(np.exp(decoded))) - logit(self.even_confidence)
        disagreement = float(correlation.max() - correlation.flat[np.argmax(decoded)])
        odds = _STEEPNESS * confidence - _COST * (disagreement - _EVEN_DISAGREEMENT)
        return probability(odds)

    def weigh(
        self, decoded: FloatArray, correlation: FloatArray, best: int
    ) -> tuple[FloatArray, float]:
        """Compute the weighted geometric mean of both networks' heatmaps, and the weight.

        Args:
            decoded: logits of the decoder [N, h, w].
            correlation: logits of the matching network [h, w].
            best: index, from 0, of the decoder's heatmap that determines the weight.

        Returns:
            logits [N, h, w], and the weight of the decoder, 0 to 1.
        """
        first, second = log_probabilities(decoded), log_probabilities(correlation[None])
        weight = self.decoder_weight(first[best], second[0])
        return np.asarray(weight * first + (1 - weight) * second, np.float32), weight


def log_probabilities(logits: FloatArray) -> FloatArray:
    """Compute the log-softmax over the pixels of each heatmap [N, h, w]."""
    shifted = logits - logits.max(axis=(1, 2), keepdims=True)
    sums = np.exp(shifted).sum(axis=(1, 2), keepdims=True, dtype=np.float64)
    return np.asarray(shifted - np.log(sums), dtype=np.float32)
