# SPDX-License-Identifier: Apache-2.0
"""The best moments of hands of which one property tells."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_core.demonstrations.contact_reading.hand_paths import moment_scores

from .paths import path_of

EVEN = np.stack([np.arange(30) * 3.0, np.full(30, 40.0)], axis=1)


def test_without_a_hand_there_are_no_scores():
    assert moment_scores([]) == []


def test_a_hand_slows_down_where_it_takes_something():
    tips = np.cumsum(np.where(np.isin(np.arange(30), (11, 12, 13)), 0.2, 4.0))
    (scores,) = moment_scores([path_of(np.stack([tips, tips / 3], axis=1))])
    assert scores.argmax() in (11, 12)
    assert scores.max() == 0.0


@pytest.mark.parametrize(
    ('name', 'frame', 'before', 'after', 'best'),
    [
        # What is near moves with the hand afterwards, and the hand closes.
        ('comotion', 17, 0.1, 0.8, (16, 17)),
        ('gaps', 9, 0.9, 0.4, (8, 9)),
    ],
)
def test_a_hand_begins_where_something_changes(name, frame, before, after, best):
    values = np.where(np.arange(30) < frame, before, after)
    (scores,) = moment_scores([path_of(EVEN, **{name: values})])
    assert scores.argmax() in best


def test_a_hand_that_lets_go_does_not_begin():
    comotion = np.where(np.arange(30) < 17, 0.8, 0.1)
    (scores,) = moment_scores([path_of(EVEN, comotion=comotion)])
    assert scores.argmin() in (16, 17)


def test_the_windows_reach_from_six_tenths_before_to_eight_tenths_after():
    comotion = np.where(np.arange(30) == 15, 1.0, 0.0)
    (scores,) = moment_scores([path_of(EVEN, comotion=comotion)])
    assert np.flatnonzero(scores > scores[0] + 0.01).tolist() == list(range(7, 15))
    assert np.flatnonzero(scores < scores[0] - 0.01).tolist() == list(range(15, 22))


def test_the_palm_and_not_the_fingertip_tells_the_speed():
    palms = np.cumsum(np.where(np.isin(np.arange(30), (11, 12, 13)), 0.2, 4.0))
    (scores,) = moment_scores([path_of(EVEN, palms=np.stack([palms, palms / 3], axis=1))])
    assert scores.argmax() in (11, 12)


def test_the_hand_that_travels_most_is_better():
    long, short = moment_scores([path_of(EVEN), path_of(EVEN[:10], 1)])
    np.testing.assert_allclose(long, np.zeros(30), atol=1e-3)
    # shares 87 / 114 and 27 / 114 of the travel, of 30 and 10 moments: they are 1 / sqrt(3 / 16)
    # standard deviations apart, of which 0.3 are one nat
    np.testing.assert_allclose(short, np.full(10, -4 / np.sqrt(3) / 0.3), rtol=1e-3)


def test_the_same_hand_twice_as_far_away_scores_the_same():
    tips = np.cumsum(np.where(np.isin(np.arange(30), (11, 12, 13)), 0.2, 4.0))
    near = path_of(np.stack([tips, tips / 3], axis=1))
    (scores,) = moment_scores([near])
    assert scores[25] == pytest.approx(scores[5], rel=0.2)
    assert scores[25] < -3.0
