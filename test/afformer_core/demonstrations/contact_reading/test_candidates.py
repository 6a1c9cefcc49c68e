# SPDX-License-Identifier: Apache-2.0
"""Peaks of a literal map, and the hands at them."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_core.demonstrations.contact_reading.candidates import (
    contact_candidates,
    mass_near,
    peaks,
)

from .paths import path_of


def map_of(*peaks_at: tuple[int, int, float]) -> np.ndarray:
    """The logarithm of a map [60, 80], whose diagonal is 100, with probabilities at pixels."""
    probabilities = np.full((60, 80), 1e-6)
    for column, row, probability in peaks_at:
        probabilities[row, column] = probability
    return np.log(probabilities / probabilities.sum())


def test_peaks_are_apart_by_a_tenth_of_the_diagonal():
    logs = map_of((30, 20, 0.5), (38, 25, 0.3), (36, 28, 0.1), (70, 50, 0.05))
    # (38, 25) is 9.4, (36, 28) 10 pixels away from the first
    assert peaks(logs, 3) == [(30, 20), (36, 28), (70, 50)]


def test_a_small_map_has_fewer_peaks():
    assert peaks(np.log([[0.3, 0.7]]), 3) == [(1, 0), (0, 0)]
    assert peaks(np.zeros((1, 1)), 3) == [(0, 0)]


def test_the_mass_within_a_twentieth_of_the_diagonal():
    logs = map_of((30, 20, 0.5), (33, 24, 0.2), (34, 24, 0.1), (70, 50, 0.2))
    assert mass_near(logs, (30, 20)) == pytest.approx(0.7, abs=0.005)


def test_candidates_are_shares_of_width_and_height():
    found = contact_candidates(map_of((30, 20, 0.6), (70, 50, 0.3)), [], [], [])
    assert [(one.x, one.y) for one in found[:2]] == [
        (30.5 / 80, 20.5 / 60),
        (70.5 / 80, 50.5 / 60),
    ]
    assert [one.probability for one in found] == pytest.approx([0.664, 0.332, 0.0], abs=0.002)
    assert {(one.track, one.time) for one in found} == {(None, None)}
    assert len(found) == 3


@pytest.mark.parametrize(('weight', 'time'), [(-1.5, 2.2), (-1.0, 2.3)])
def test_a_candidate_is_of_the_hand_at_it_and_of_its_likeliest_moment(weight, time):
    # 4 pixels are 1.6 deviations, or 1.28 nats
    coming = path_of(np.array([(10, 20.5), (20, 20.5), (26.5, 20.5), (30.5, 20.5)]), track=3)
    other = path_of(np.array([(70.5, 50.5), (70.5, 46), (31.5, 20.5)]), track=5)
    logs = map_of((30, 20, 0.6), (70, 50, 0.3), (10, 50, 0.05))
    scores = [np.array([-9.0, -9.0, 0.0, weight]), np.array([-6.0, -3.0, -2.0])]
    found = contact_candidates(logs, [logs, logs], [coming, other], scores)
    assert [(one.track, one.time) for one in found] == [(3, time), (5, 2.1), (None, None)]


def candidates_of_another_hand(
    column: int, row: int, tip: tuple[int, int] | None = None
) -> list[tuple[float, int | None]]:
    """Columns and tracks of the candidates, where another hand would have its own peak.

    Its fingertip is there, if it is not given.
    """
    paths = [
        path_of(np.array([(30.5, 20.5)] * 3), track=2),
        path_of(np.array([tip or (column + 0.5, row + 0.5)] * 3), track=7),
    ]
    logs = map_of((30, 20, 0.6), (70, 50, 0.3), (10, 50, 0.05))
    maps = [logs, map_of((column, row, 0.9))]
    scores = [np.array([-1.0, 0.0, -2.0]), np.array([-90.0, -70.0, -80.0])]
    found = contact_candidates(logs, maps, paths, scores)
    return [(round(80 * one.x - 0.5), one.track) for one in found]


def test_another_hand_adds_its_own_peak():
    peaks_of_all = [(30, 2), (70, None), (10, None)]
    assert candidates_of_another_hand(50, 40) == [*peaks_of_all, (50, 7)]
    assert candidates_of_another_hand(10, 40) == [*peaks_of_all, (10, 7)]
    # 9.5 pixels from a peak are less than a tenth of the diagonal
    assert candidates_of_another_hand(13, 41) == peaks_of_all


def test_another_hand_at_a_peak_adds_nothing():
    at_it = [(30, 2), (70, 7), (10, None)]
    assert candidates_of_another_hand(72, 52) == at_it
    assert candidates_of_another_hand(50, 40, tip=(71, 50)) == at_it


def test_a_hand_that_is_farther_than_a_twentieth_of_the_diagonal_is_not_at_it():
    for x, track in ((35.4, 2), (35.6, None)):
        path = path_of(np.array([(x, 20.5)] * 3), track=2)
        logs = map_of((30, 20, 0.6))
        found = contact_candidates(logs, [logs], [path], [np.array([-1.0, 0.0, -2.0])])
        assert (found[0].track, found[0].time) == (track, None if track is None else 2.1)
