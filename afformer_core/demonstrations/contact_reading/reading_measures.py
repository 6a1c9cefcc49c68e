# SPDX-License-Identifier: Apache-2.0
"""Motion of hands after their contact, and measures of the reliability of a reading."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.contact_reading.candidates import NEAR
from afformer_core.demonstrations.contact_reading.hand_paths import HandPath
from afformer_core.demonstrations.contact_reading.reading import HandMotion


def hand_motion(path: HandPath, weights: NDArray[np.float64], diagonal: float) -> HandMotion:
    """Return the motion of a hand after its most probable moment.

    Args:
        path: path of the hand.
        weights: [N] of its frames, see `moment_scores`.
        diagonal: diagonal of the frame, in pixels.
    """
    moment = int(weights.argmax())
    return HandMotion(
        track=path.track,
        time=float(path.times[moment]),
        score=float(weights[moment]),
        times=path.times[moment:],
        path=(path.tips[moment:] - path.tips[moment]) / diagonal,
        gaps=path.gaps[moment:],
        comotion=path.comotion[moment:],
        turns=path.turns[moment:],
    )


def relative_entropy(log_probabilities: NDArray[np.float64]) -> float:
    """Return the entropy of a map as a share of the entropy of a uniform map, 0 to 1."""
    entropy = -float((np.exp(log_probabilities) * log_probabilities).sum())
    return entropy / float(np.log(max(log_probabilities.size, 2)))


def score_margin(
    paths: Sequence[HandPath], weights: Sequence[NDArray[np.float64]], diagonal: float
) -> float:
    """Return the margin between the best moment and the best one elsewhere, in nats.

    Args:
        paths: paths of the hands.
        weights: [N] for each path, see `moment_scores`.
        diagonal: diagonal of the frame, in pixels.

    Returns:
        at least 0; infinite if no fingertip is ever elsewhere, NaN without a hand.
    """
    if not paths:
        return np.nan
    tips, scores = np.concatenate([path.tips for path in paths]), np.concatenate(weights)
    best = scores.argmax()
    elsewhere = np.linalg.norm(tips - tips[best], axis=1) > 2 * NEAR * diagonal
    return float(scores[best] - scores[elsewhere].max(initial=-np.inf))
