# SPDX-License-Identifier: Apache-2.0
"""How likely an image shows what was demonstrated, as a model was calibrated to tell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

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
