# SPDX-License-Identifier: Apache-2.0
"""Demonstrations that are played backwards."""

from pathlib import Path

import numpy as np
import pytest

from afformer_core.offline.data.augmentation.reversal import Reversal
from afformer_core.offline.data.sample import Sample

NAMES = ('push', 'pull', 'hold', 'rotate')
ACTIONS = {'push': 'pull', 'pull': 'push', 'hold': 'hold'}


def sample(*actions: int) -> Sample:
    points = (np.zeros((1, 2)),) * len(actions)
    return Sample('0', Path('a.mp4'), Path('0.jpg'), (8, 8), actions, points)


def share(reversal: Reversal, *samples: Sample) -> float:
    return float(np.mean([reversal.happens(samples, (0, position)) for position in range(400)]))


def test_pushing_becomes_pulling() -> None:
    assert Reversal.of_names(1.0, ACTIONS, NAMES).of((0, 1, 2, 3)) == (1, 0, 2, 3)


def test_as_often_as_was_asked_for() -> None:
    reversal = Reversal.of_names(0.25, ACTIONS, NAMES)

    assert share(reversal, sample(0, 2), sample(1)) == pytest.approx(0.25, abs=0.07)
    assert reversal.happens([sample(0)], (0, 7)) == reversal.happens([sample(0)], (0, 7))


def test_an_action_without_a_reverse_keeps_its_direction() -> None:
    reversal = Reversal.of_names(1.0, ACTIONS, NAMES)

    assert share(reversal, sample(3)) == share(reversal, sample(0), sample(3)) == 0
    assert share(reversal, sample(0)) == 1


def test_an_unknown_action() -> None:
    with pytest.raises(ValueError, match="has 'lift'; expected one of push, pull, hold, rotate"):
        Reversal.of_names(0.5, {'lift': 'push'}, NAMES)


def test_nothing_that_could_be_reversed() -> None:
    with pytest.raises(ValueError, match='reversed_actions is empty'):
        Reversal.of_names(0.5, {}, NAMES)
