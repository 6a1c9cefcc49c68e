# SPDX-License-Identifier: Apache-2.0
"""Certainty that the best point lies on the demonstrated part, and the threshold of actions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from afformer_core.runtime.json_fields import checked_fields
from afformer_core.runtime.presence import logit


@dataclass(frozen=True)
class DecoderCertainty:
    """A logistic regression of certainty on the probability of the decoder's best peak.

    It counts where the decoder, which does not use the contact, outweighs the matching network.

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

    def __post_init__(self) -> None:
        _check_ranges(
            self,
            "the decoder's certainty",
            {
                'slope': (0.0, math.inf),
                'intercept': (-math.inf, math.inf),
                'auroc': (0.0, 1.0),
                'pairs': (1, math.inf),
            },
        )

    def certainty(self, peak: float) -> float:
        """Compute the certainty of a point, 0 to 1.

        Args:
            peak: share of the heatmap's probability around the best peak, 0 to 1.
        """
        return _probability(self.slope * logit(peak) + self.intercept)

    def to_json(self) -> dict[str, Any]:
        """Return the calibration as plain JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> DecoderCertainty:
        """Build a calibration from the result of `to_json`.

        Raises:
            TypeError: a value has the wrong type.
            ValueError: a name is missing or unknown, or a value out of range.
        """
        return cls(**checked_fields(cls, content, 'decoder_certainty'))


@dataclass(frozen=True)
class CertaintyCalibration:
    """A logistic regression of certainty on the probabilities of the contact and of the match.

    A point is right if the contact was read at the right position and matched correctly in the
    image. The regression is therefore on the product of both probabilities. Neither probability
    accounts for its own error rate; the regression corrects this.

    Attributes:
        slope: coefficient of the logit of the product, greater than 0.
        intercept: intercept of the regression.
        threshold: certainty below which a robot should not act, 0 to 1.
        action_threshold: score below which the best action counts as unknown, 0 to 1; 1: always.
        auroc: area under the ROC curve of right against wrong points, 0 to 1, for the product
            itself, which is not fitted.
        pairs: number of pairs on which it was fitted, at least 1.
        annotations: names of the datasets of the pairs.
        weights_sha256: hash of the weights for which it was fitted, in hexadecimal; it is not
            valid for other weights.

    Raises:
        ValueError: a value is out of its range.
    """

    slope: float
    intercept: float
    threshold: float
    action_threshold: float
    auroc: float
    pairs: int
    annotations: str
    weights_sha256: str

    def __post_init__(self) -> None:
        _check_ranges(
            self,
            'the certainty',
            {
                'slope': (0.0, math.inf),
                'intercept': (-math.inf, math.inf),
                'threshold': (0.0, 1.0),
                'action_threshold': (0.0, 1.0),
                'auroc': (0.0, 1.0),
                'pairs': (1, math.inf),
            },
        )

    def certainty(self, right: float) -> float:
        """Compute the certainty of a point, 0 to 1.

        Args:
            right: product of the probabilities of the contact and of the match, 0 to 1 (see
                `Prediction.right_probability`).
        """
        return _probability(self.slope * logit(right) + self.intercept)

    def to_json(self) -> dict[str, Any]:
        """Return the calibration as plain JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> CertaintyCalibration:
        """Build a calibration from the result of `to_json`.

        Raises:
            TypeError: a value has the wrong type.
            ValueError: a name is missing or unknown, or a value out of range.
        """
        return cls(**checked_fields(cls, content, 'certainty'))


def _check_ranges(
    calibration: object, name: str, ranges: Mapping[str, tuple[float, float]]
) -> None:
    for field, (low, high) in ranges.items():
        value = getattr(calibration, field)
        if not (math.isfinite(value) and low <= value <= high):
            raise ValueError(
                f'{field} of {name} is {value}; expected a finite number from {low} to {high}'
            )


def _probability(odds: float) -> float:
    return 0.5 * (1 + math.tanh(0.5 * odds))
