# SPDX-License-Identifier: Apache-2.0
"""Motions: what tells the two actions of one kind of element apart."""

import numpy as np
import pytest

from afformer_core.sim.appliance import Element, Kind
from afformer_core.sim.motion import Motion, sample_motion

WHITE = (1.0, 1.0, 1.0)
SHAPES = {Kind.BUTTON: 'round', Kind.KNOB: 'disc', Kind.HANDLE: 'bar'}


def make_element(kind: Kind) -> Element:
    return Element(
        kind, SHAPES[kind], 0.0, 0.0, 0.04, 0.04, 0.02, 0.0, False, WHITE, WHITE, False, False
    )


def motions(kind: Kind, action: str) -> list[Motion]:
    random = np.random.default_rng(3)
    return [sample_motion(make_element(kind), action, random) for _ in range(50)]


def test_any_hold_lasts_much_longer_than_any_press() -> None:
    longest = max(motion.end - motion.start for motion in motions(Kind.BUTTON, 'press'))
    shortest = min(motion.end - motion.start for motion in motions(Kind.BUTTON, 'hold'))
    assert shortest >= 1.5 * longest


@pytest.mark.parametrize('action', ['press', 'hold'])
def test_a_button_goes_in_and_comes_out_again(action: str) -> None:
    for motion in motions(Kind.BUTTON, action):
        middle = motion.travel((motion.start + motion.end) / 2)
        assert -0.02 < middle < -0.005
        assert motion.travel(motion.start) == motion.travel(motion.end) == 0


@pytest.mark.parametrize(('action', 'sign'), [('pull', 1), ('push', -1)])
def test_a_handle_moves_along_the_normal(action: str, sign: int) -> None:
    for motion in motions(Kind.HANDLE, action):
        assert sign * (motion.travel(motion.end) - motion.travel(motion.start)) > 0.015
        assert min(motion.travel(0), motion.travel(1)) >= 0
        assert motion.turn(0.5) == 0


@pytest.mark.parametrize(
    ('action', 'sign'), [('turn_clockwise', -1), ('turn_counterclockwise', 1)]
)
def test_a_knob_turns_in_its_sense(action: str, sign: int) -> None:
    for motion in motions(Kind.KNOB, action):
        angles = sign * np.array([motion.turn(time) for time in np.linspace(0, 1, 50)])
        assert (np.diff(angles) >= 0).all()
        assert angles[-1] - angles[0] > 0.8
        assert motion.travel(0.5) == 0


def test_how_far_a_knob_is_turned_halfway_does_not_tell_its_sense() -> None:
    for action in Kind.KNOB.actions:
        halfway = [
            motion.turn((motion.start + motion.end) / 2) for motion in motions(Kind.KNOB, action)
        ]
        assert min(halfway) < -0.3
        assert max(halfway) > 0.3


def test_the_hand_is_away_before_and_after_contact() -> None:
    for motion in motions(Kind.BUTTON, 'press'):
        if motion.start > 0:
            assert np.linalg.norm(motion.hand_offset(0)) > 0.05
        if motion.end < 1:
            assert np.linalg.norm(motion.hand_offset(motion.end + motion.retreat_time)) > 0.05
        assert (motion.hand_offset((motion.start + motion.end) / 2) == 0).all()


def test_an_action_that_the_kind_does_not_afford_is_refused() -> None:
    with pytest.raises(ValueError, match='button affords'):
        sample_motion(make_element(Kind.BUTTON), 'pull', np.random.default_rng(0))
