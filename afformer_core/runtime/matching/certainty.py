# SPDX-License-Identifier: Apache-2.0
"""Certainty that the best point lies on the demonstrated part, and the threshold of actions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from afformer_core.runtime.json_fields import ANY, JsonFields, Ranges
from afformer_core.runtime.presence import PresenceCalibration, logit, probability


@dataclass(frozen=True)
class DecoderCertainty(JsonFields):
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

    _NAME = "decoder's certainty"
    _RANGES: ClassVar[Ranges] = {
        'slope': (0.0, math.inf),
        'intercept': ANY,
        'auroc': (0.0, 1.0),
        'pairs': (1, math.inf),
    }

    def certainty(self, peak: float) -> float:
        """Compute the certainty of a point, 0 to 1.

        Args:
            peak: share of the heatmap's probability around the best peak, 0 to 1.
        """
        return probability(self.slope * logit(peak) + self.intercept)


@dataclass(frozen=True)
class CertaintyCalibration(JsonFields):
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

    _NAME = 'certainty'
    _RANGES: ClassVar[Ranges] = {
        'slope': (0.0, math.inf),
        'intercept': ANY,
        'threshold': (0.0, 1.0),
        'action_threshold': (0.0, 1.0),
        'auroc': (0.0, 1.0),
        'pairs': (1, math.inf),
    }

    def certainty(self, right: float) -> float:
        """Compute the certainty of a point, 0 to 1.

        Args:
            right: product of the probabilities of the contact and of the match, 0 to 1 (see
                `Prediction.right_probability`).
        """
        return probability(self.slope * logit(right) + self.intercept)


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
