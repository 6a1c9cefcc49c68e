# SPDX-License-Identifier: Apache-2.0
"""Scores of the moments of hands: the evidence that a contact begins.

A hand slows down at the object, the surroundings of its fingertips move with it afterwards and not
before, its fingers close, and it travels farther than other hands.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.contact_reading.hand_paths import HandPath
from afformer_core.demonstrations.contact_reading.time_series import (
    changes,
    speeds,
    standard_scores,
)

# Seconds before and after a moment that are compared.
_BEFORE, _AFTER = 0.6, 0.8
# Weight of a hand's share of the total travel; the other terms are in standard deviations.
_TRAVEL = 2.0
# Temperature, as a share of the standard deviation of the scores.
_TEMPERATURE = 0.3


def moment_scores(paths: Sequence[HandPath]) -> list[NDArray[np.float64]]:
    """Compute the logarithm of the weight of each moment of each hand; 0 is the best.

    Args:
        paths: any number of paths.

    Returns:
        [N] for each path of N frames.
    """
    if not paths:
        return []
    speed = np.concatenate([speeds(path.times, path.palms) / path.size for path in paths])
    comotion = np.concatenate(
        [changes(path.times, path.comotion, _BEFORE, _AFTER) for path in paths]
    )
    gap = np.concatenate([changes(path.times, path.gaps, _BEFORE, _AFTER) for path in paths])
    travel = np.array([path.travel for path in paths])
    lengths = [len(path.times) for path in paths]
    share = np.repeat(travel / (travel.sum() + 1e-6), lengths)
    scores = standard_scores(comotion) - standard_scores(speed) - standard_scores(gap)
    scores += _TRAVEL * share
    weights = (scores - scores.max()) / (_TEMPERATURE * scores.std() + 1e-6)
    return np.split(weights, np.cumsum(lengths)[:-1])
