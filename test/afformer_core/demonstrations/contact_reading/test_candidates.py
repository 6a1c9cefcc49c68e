# SPDX-License-Identifier: Apache-2.0
"""Peaks of a literal map, and their rank by what happens at them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from afformer_core.demonstrations.contact_reading.candidates import (
    carrying,
    contact_candidates,
    peaks,
    slowness,
)
from afformer_core.demonstrations.contact_reading.hand_paths import HandPath

from .paths import path_of

NOTHING = np.zeros((60, 80), np.float32)


def map_of(*peaks_at: tuple[int, int, float]) -> np.ndarray:
    """The logarithm of a map [60, 80], whose diagonal is 100, with probabilities at pixels."""
    probabilities = np.full((60, 80), 1e-6)
    for column, row, probability in peaks_at:
        probabilities[row, column] = probability
    return np.log(probabilities / probabilities.sum())


def test_peaks_are_apart_by_six_hundredths_of_the_diagonal():
    rows, columns = np.mgrid[:60, :80]
    # it falls to the right and, more steeply, downwards
    assert peaks(-0.01 * columns - 5.0 * rows) == [(0, 0), (6, 0), (12, 0), (18, 0), (24, 0)]


def test_a_single_pixel_is_no_peak():
    block = [(column, row, 0.1) for column in (19, 20, 21) for row in (29, 30, 31)]
    assert peaks(map_of((60, 40, 0.2), *block))[:2] == [(20, 30), (60, 40)]


def test_a_small_map_has_fewer_peaks():
    assert peaks(np.log([[0.3, 0.7]])) == [(1, 0), (0, 0)]
    assert peaks(np.zeros((1, 1))) == [(0, 0)]


def test_candidates_are_shares_of_width_and_height():
    reading = contact_candidates(map_of((30, 20, 0.6), (70, 50, 0.3)), NOTHING, [], [])
    found = reading.candidates
    positions = [(one.x, one.y) for one in found[:2]]
    assert positions == [(30.5 / 80, 20.5 / 60), (70.5 / 80, 50.5 / 60)]
    assert reading.time is None
    assert len(found) == 5
    assert sum(one.probability for one in found) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ('removal', 'odds'), [((0.0, 0.0), 0.571 * np.log(7 / 3)), ((1.6, 0.5), -1.154)]
)
def test_something_is_removed_at_the_contact(removal, odds):
    # 0.571 log(7 / 3) - 1.489 (1.6 - 0.5) = -1.154
    logs = np.log([[0.3, 0.7]])
    first, second = contact_candidates(logs, np.array([removal], np.float32), [], []).candidates
    likelier = 0.75 if odds > 0 else 0.25
    assert (first.x, second.x) == (likelier, 1 - likelier)
    assert np.log(first.probability / second.probability) == pytest.approx(abs(odds), abs=1e-3)


@pytest.mark.parametrize(('column', 'nearer'), [(35, True), (36, False)])
def test_a_removal_within_a_twentieth_of_the_diagonal_counts(column, nearer):
    removal = NOTHING.copy()
    removal[20, column] = 2.0
    logs = map_of((30, 20, 0.4), (70, 50, 0.5))
    found = contact_candidates(logs, removal, [], []).candidates
    assert (found[0].y == 20.5 / 60) is nearer


@pytest.mark.parametrize(('weight', 'time'), [(-4.2, 2.2), (-3.4, 2.3)])
def test_a_candidate_is_of_the_hand_at_it_and_of_its_likeliest_moment(weight, time):
    # 4 pixels are 1.6 deviations, or 1.28 nats, like 3.84 of the weight
    coming = path_of(np.array([(10, 20.5), (20, 20.5), (26.5, 20.5), (30.5, 20.5)]), track=3)
    other = path_of(np.array([(70.5, 50.5), (70.5, 46), (31.5, 20.5)]), track=5)
    scores = [np.array([-9.0, -9.0, 0.0, weight]), np.array([-9.0, -3.0, -12.0])]
    logs = map_of((30, 20, 0.6), (70, 50, 0.3), (10, 50, 0.05))
    assert contact_candidates(logs, NOTHING, [coming, other], scores).time == time
    elsewhere = map_of((70, 50, 0.6))
    assert contact_candidates(elsewhere, NOTHING, [coming, other], scores).time == 2.1


@pytest.mark.parametrize(('x', 'time'), [(36.4, 2.1), (36.6, None)])
def test_a_hand_that_is_farther_than_six_hundredths_of_the_diagonal_is_not_at_it(x, time):
    path = path_of(np.array([(x, 20.5)] * 3))
    found = contact_candidates(
        map_of((30, 20, 0.6)), NOTHING, [path], [np.array([-1.0, 0.0, -2.0])]
    )
    assert found.time == time


def ranked(*paths: HandPath) -> list[int]:
    """Order of two candidates, at which hands begin a contact in their sixth frame."""
    scores = [np.where(np.arange(len(path.times)) == 5, 0.0, -9.0) for path in paths]
    found = contact_candidates(map_of((30, 20, 0.5), (30, 50, 0.4)), NOTHING, paths, scores)
    return [int(one.y > 0.5) for one in found.candidates[:2]]


EVEN = np.stack([np.arange(0, 60, 6.0), np.full(10, 20.5)], axis=1)


def test_the_hand_carries_something_from_the_contact():
    shares = np.where(np.arange(10) > 5, 0.9, 0.0)
    assert ranked(path_of(EVEN, 0, 0 * shares), path_of(EVEN + (0, 30), 1, shares)) == [1, 0]


def test_the_hand_is_slow_at_the_contact():
    slow = EVEN + (0, 30)
    slow[4:7, 0] = 30.0
    assert ranked(path_of(EVEN, 0), path_of(slow, 1)) == [1, 0]


def test_carrying_is_the_share_of_the_travel_after_less_before():
    tips = np.stack([10.0 * np.arange(5), np.zeros(5)], axis=1)
    path = path_of(tips, comotion=[0.2, 0.4, np.nan, 0.6, 0.9])
    # the second frame is less than 0.1 s before the third; nothing is known of it
    path = replace(path, times=np.array([2.0, 2.12, 2.2, 2.3, 2.4]))
    # a travel of 10 pixels and the 2 % of the diagonal that tell little
    assert carrying(path, 2, 100.0) == pytest.approx(6 / 12 - 2 / 12)
    assert carrying(path, 0, 100.0) == pytest.approx((4 + 6) / (20 + 2))


def test_slowness_is_relative_to_the_usual_speed():
    palms = np.stack([np.r_[0:8:2, 8, 8, 8, 10:18:2], np.zeros(11)], axis=1)
    path = path_of(palms)
    # hand sizes of 20 pixels per second: usually 1, then 1 / 2 and 0
    assert slowness(path, 4) == pytest.approx(np.log(1.05 / 0.55))
    assert slowness(path, 5) == pytest.approx(np.log(1.05 / 0.05))
    assert slowness(path_of(palms[:1]), 0) == 0.0
