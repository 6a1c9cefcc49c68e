# SPDX-License-Identifier: Apache-2.0
"""Motion of hands after their contact, and measures of how far a reading can be trusted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.contact_reading.candidates import NEAR
from afformer_core.demonstrations.contact_reading.hand_paths import HandPath
from afformer_core.demonstrations.contact_reading.reading import HandMotion


def hand_motion(path: HandPath, weights: NDArray[np.float64], diagonal: float) -> HandMotion:
    """Return the motion of a hand from its likeliest moment on.

    Args:
        path: path of the hand.
        weights: [N] of its frames, see `moment_scores`.
        diagonal: that of the frame, in pixels.
    """
    moment = int(weights.argmax())
    return HandMotion(
        path.track,
        float(path.times[moment]),
        float(weights[moment]),
        path.times[moment:],
        (path.tips[moment:] - path.tips[moment]) / diagonal,
        path.gaps[moment:],
        path.comotion[moment:],
        path.turns[moment:],
    )


def relative_entropy(log_probabilities: NDArray[np.float64]) -> float:
    """Return the entropy of a map as a share of that of a uniform one, 0 to 1."""
    entropy = -float((np.exp(log_probabilities) * log_probabilities).sum())
    return entropy / float(np.log(max(log_probabilities.size, 2)))


def score_margin(
    paths: Sequence[HandPath], weights: Sequence[NDArray[np.float64]], diagonal: float
) -> float:
    """Return by how much the best moment outweighs the best one elsewhere, in nats.

    Args:
        paths: paths of the hands.
        weights: [N] for each of them, see `moment_scores`.
        diagonal: that of the frame, in pixels.

    Returns:
        at least 0; infinite if no fingertip is ever elsewhere, NaN without a hand.
    """
    if not paths:
        return np.nan
    tips, scores = np.concatenate([path.tips for path in paths]), np.concatenate(weights)
    best = scores.argmax()
    elsewhere = np.linalg.norm(tips - tips[best], axis=1) > 2 * NEAR * diagonal
    return float(scores[best] - scores[elsewhere].max(initial=-np.inf))
