# SPDX-License-Identifier: Apache-2.0
"""Exponential smoothing of predictions over time."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from afformer_core.runtime.prediction import Prediction


class PredictionSmoother:
    """Averages predictions with weights that fall off with a time constant in seconds.

    Time, not images, is counted: the result is the same at 5 and at 60 images a second, and
    where images were left out.
    """

    def __init__(self) -> None:
        self._smoothed: Prediction | None = None
        self._stamp = 0

    def restart(self) -> None:
        """Forget what came before."""
        self._smoothed = None

    def add(self, prediction: Prediction, stamp: int, time_constant: float) -> Prediction:
        """Blend a prediction into those before.

        Args:
            prediction: of an image.
            stamp: nanoseconds of the image, later than the one before.
            time_constant: seconds after which an image counts 1/e; 0: no smoothing.

        Returns:
            the average; the prediction itself after a restart.
        """
        before = self._smoothed
        elapsed = (stamp - self._stamp) * 1e-9
        self._stamp = stamp
        if before is None or time_constant <= 0 or elapsed <= 0:
            self._smoothed = prediction
        else:
            share = 1 - math.exp(-elapsed / time_constant)
            self._smoothed = _blend(before, prediction, share)
        return self._smoothed


def _blend(before: Prediction, now: Prediction, share: float) -> Prediction:
    scores = {
        name: (1 - share) * before.action_scores[name] + share * score
        for name, score in now.action_scores.items()
    }
    probabilities = before.probabilities + np.float32(share) * (
        now.probabilities - before.probabilities
    )
    ordered = dict(sorted(scores.items(), key=lambda item: -item[1]))
    return replace(now, probabilities=probabilities, action_scores=ordered)
