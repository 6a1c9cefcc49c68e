# SPDX-License-Identifier: Apache-2.0
"""The weighted mean of the heatmaps of a decoder and a matching network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from afformer_core.arrays import FloatArray
from afformer_core.runtime.json_fields import JsonFields, Ranges
from afformer_core.runtime.peaks import share_at_maximum
from afformer_core.runtime.presence import logit, probability

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
