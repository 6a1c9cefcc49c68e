# SPDX-License-Identifier: Apache-2.0
"""Motion of a literal hand after its contact, and measures of literal maps and scores."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_core.demonstrations.contact_reading.reading_measures import (
    hand_motion,
    relative_entropy,
    score_margin,
)

from .paths import path_of

TIPS = np.array([(10.0, 20.0), (14.0, 20.0), (15.0, 21.0), (17.0, 25.0), (40.0, 60.0)])


def test_the_motion_of_a_hand_begins_at_its_best_moment():
    path = path_of(TIPS, 6, comotion=[0.1, 0.2, 0.7, 0.8, 0.9], gaps=[0.9, 0.8, 0.4, 0.3, 0.2])
    motion = hand_motion(path, np.array([-4.0, -3.0, -0.5, -1.0, -8.0]), 50.0)
    assert (motion.track, motion.time, motion.score) == (6, 2.2, -0.5)
    np.testing.assert_allclose(motion.times, [2.2, 2.3, 2.4])
    np.testing.assert_allclose(motion.path, [(0, 0), (0.04, 0.08), (0.5, 0.78)])
    np.testing.assert_allclose(motion.gaps, [0.4, 0.3, 0.2])
    np.testing.assert_allclose(motion.comotion, [0.7, 0.8, 0.9])
    np.testing.assert_allclose(motion.turns, [0.45, 0.525, 0.6])


def test_entropy_is_a_share_of_that_of_a_uniform_map():
    assert relative_entropy(np.full((6, 8), -np.log(48))) == pytest.approx(1.0)
    # two of sixteen are equally likely: 1 of 4 bits
    logs = np.full((4, 4), -80.0)
    logs[1, 2] = logs[3, 0] = np.log(0.5)
    assert relative_entropy(logs) == pytest.approx(0.25)


def test_the_margin_is_over_the_best_moment_elsewhere_of_any_hand():
    # elsewhere is more than a tenth of the diagonal away, 5 pixels here
    scores = np.array([-0.2, -0.1, 0.0, -1.4, -3.0])
    path = path_of(TIPS)
    assert score_margin([path], [scores], 50.0) == pytest.approx(0.2)
    assert score_margin([path], [scores], 60.0) == pytest.approx(3.0)
    other = path_of(TIPS + 30, 1)
    assert score_margin([path, other], [scores, scores - 0.9], 60.0) == pytest.approx(0.9)


def test_without_a_moment_elsewhere_the_margin_is_infinite():
    assert score_margin([path_of(TIPS[:3])], [np.zeros(3)], 200.0) == np.inf


def test_without_a_hand_the_margin_is_unknown():
    assert np.isnan(score_margin([], [], 50.0))
