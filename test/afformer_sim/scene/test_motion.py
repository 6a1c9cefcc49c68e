# SPDX-License-Identifier: Apache-2.0
"""Motions: what tells the actions upon one element apart, and how a hand comes and goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from afformer_sim.bodies.element import Element, Joint, Use
from afformer_sim.bodies.grip import Fingertip
from afformer_sim.families.parts.panel_elements import ElementFinish, button, handle, knob
from afformer_sim.scene.motion import DemonstratedMotion, Pause, sample_motion

WHITE = (1.0, 1.0, 1.0)
BUILD: dict[
    str, tuple[str, Callable[[ElementFinish, float, float, np.random.Generator], Element]]
] = {
    'button': ('round', button),
    'knob': ('disc', knob),
    'handle': ('bar', handle),
}
LIFT = Use(
    'pick up', (Fingertip(0.01, 0.01, 0.0),), Joint((0.0, 1.0, 0.0)), (0.0, 0.0), (0.06, 0.14)
)
LOWER = replace(LIFT, action='put down', before=(0.06, 0.14), after=(0.0, 0.0))


def motions(kind: str, action: str, aside: np.ndarray | None = None) -> list[DemonstratedMotion]:
    """50 motions, each of another element 4 cm wide that stands 2 cm out."""
    shape, build = BUILD[kind]
    finish = ElementFinish(
        shape=shape, width=0.04, height=0.04, depth=0.02, colour=WHITE, accent=WHITE
    )
    rng = np.random.default_rng(3)
    return [sample_motion(build(finish, 0.0, 0.0, rng).use(action), rng, aside) for _ in range(50)]


def travel(motion: DemonstratedMotion, time: float) -> float:
    """Metres that the element is away from its position at rest."""
    return float(motion.displacement(time).position[2])


def turn(motion: DemonstratedMotion, time: float) -> float:
    """Radians that it is turned from its angle at rest, counterclockwise."""
    rotation = motion.displacement(time).rotation
    return float(np.arctan2(rotation[1, 0], rotation[0, 0]))


def away_by(motion: DemonstratedMotion, time: float) -> float:
    return float(np.linalg.norm(motion.hand_offset(time)))


def test_any_hold_lasts_much_longer_than_any_touch() -> None:
    for kind in BUILD:
        longest = max(motion.end - motion.start for motion in motions(kind, 'touch'))
        shortest = min(motion.end - motion.start for motion in motions(kind, 'hold'))
        assert shortest >= 1.5 * longest


@pytest.mark.parametrize('action', ['touch', 'hold'])
def test_a_button_goes_in_and_comes_out_again(action: str) -> None:
    for motion in motions('button', action):
        middle = travel(motion, (motion.start + motion.end) / 2)
        assert -0.02 < middle < -0.005
        assert travel(motion, motion.start) == travel(motion, motion.end) == 0


@pytest.mark.parametrize('kind', ['knob', 'handle'])
@pytest.mark.parametrize('action', ['touch', 'hold'])
def test_a_hand_that_touches_or_holds_what_is_no_button_does_not_move_it(
    kind: str, action: str
) -> None:
    for motion in motions(kind, action):
        for time in np.linspace(0, 1, 5):
            assert travel(motion, time) == turn(motion, time) == 0


@pytest.mark.parametrize('kind', ['knob', 'handle'])
@pytest.mark.parametrize(('action', 'sign'), [('pull', 1), ('push', -1)])
def test_what_slides_moves_along_the_normal(kind: str, action: str, sign: int) -> None:
    for motion in motions(kind, action):
        assert sign * (travel(motion, motion.end) - travel(motion, motion.start)) > 0.015
        assert min(travel(motion, 0), travel(motion, 1)) >= 0
        assert turn(motion, 0.5) == 0


def test_a_knob_turns_in_one_sense_and_not_always_in_the_same() -> None:
    sweeps = []
    for motion in motions('knob', 'rotate'):
        angles = np.array([turn(motion, time) for time in np.linspace(0, 1, 50)])
        sense = np.sign(angles[-1] - angles[0])
        assert (sense * np.diff(angles) >= 0).all()
        assert sense * (angles[-1] - angles[0]) > 0.8
        assert travel(motion, 0.5) == 0
        sweeps.append(sense)
    assert 10 < sweeps.count(1) < 40


def test_how_far_a_handle_is_out_halfway_does_not_tell_pull_from_push() -> None:
    pulled, pushed = (
        [travel(motion, (motion.start + motion.end) / 2) for motion in motions('handle', action)]
        for action in ('pull', 'push')
    )
    assert max(min(pulled), min(pushed)) < np.median(pulled) < min(max(pulled), max(pushed))
    assert max(min(pulled), min(pushed)) < np.median(pushed) < min(max(pulled), max(pushed))


@pytest.mark.parametrize(
    ('kind', 'action'),
    [('knob', 'rotate'), ('knob', 'push'), ('handle', 'pull'), ('handle', 'push')],
)
def test_a_contact_that_begins_before_or_ends_after_the_clip_moves_it_within(
    kind: str, action: str
) -> None:
    several = motions(kind, action)
    assert min(motion.start for motion in several) < 0
    assert max(motion.end for motion in several) > 1
    for motion in several:
        assert (motion.value(0), motion.value(1)) == pytest.approx(motion.values)


def test_what_is_picked_up_stays_in_the_hand_and_what_is_put_down_was_in_it() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        lift, lower = sample_motion(LIFT, rng), sample_motion(LOWER, rng)
        assert lift.in_contact(1.0)
        assert not lift.in_contact(0.0)
        assert lower.in_contact(0.0)
        assert not lower.in_contact(1.0)
        assert lift.displacement(1.0).position[1] >= 0.06
        assert lower.displacement(0.0).position[1] >= 0.06
        assert lift.value(0.0) == lower.value(1.0) == 0


def test_the_hand_is_away_before_and_after_contact() -> None:
    for motion in motions('button', 'touch'):
        pause = motion.pause.distance + motion.pause.length if motion.pause else 0.0
        assert away_by(motion, motion.start - motion.approach_time - pause) > 0.05
        assert away_by(motion, motion.end + motion.retreat_time) > 0.05
        assert away_by(motion, (motion.start + motion.end) / 2) == 0


def test_fingers_close_on_the_way_and_open_again() -> None:
    for motion in motions('knob', 'rotate'):
        assert motion.openness((motion.start + motion.end) / 2) == 0
        assert motion.openness(motion.start - 0.05) == pytest.approx(0.5)
        assert motion.openness(motion.end + 0.2) == 1


def test_some_hands_hesitate_on_their_way_and_stand_still_meanwhile() -> None:
    paused = [motion for motion in motions('button', 'touch') if motion.pause is not None]
    assert 5 < len(paused) < 25
    for motion in paused:
        pause = motion.pause
        assert pause is not None
        last = motion.start - pause.distance
        for time in np.linspace(last - pause.length, last, 4):
            np.testing.assert_allclose(motion.hand_offset(time), pause.position)
        assert away_by(motion, motion.start) == 0


def test_a_hand_moves_without_jumps_around_its_pause() -> None:
    for motion in motions('button', 'touch', np.array([0.05, 0.0, 0.0])):
        positions = np.array([motion.hand_offset(time) for time in np.linspace(0, 1, 1001)])
        assert np.linalg.norm(np.diff(positions, axis=0), axis=1).max() < 0.005


def test_some_hands_nearly_take_the_neighbour() -> None:
    aside = np.array([0.05, -0.03, 0.01])
    missed = []
    for motion in motions('button', 'touch', aside):
        if motion.pause is not None:
            over = motion.pause.position - aside
            missed.append(abs(over[0]) < 1e-9 and abs(over[1]) < 1e-9)
            assert not missed[-1] or 0.015 <= over[2] <= 0.04
    assert 0.2 < np.mean(missed) < 0.8


def test_who_is_there_from_the_beginning_has_nothing_to_hesitate_over() -> None:
    for motion in motions('handle', 'pull'):
        assert motion.start > 0 or motion.pause is None


def test_a_contact_that_ends_before_it_starts_is_refused() -> None:
    motion = motions('button', 'touch')[0]
    with pytest.raises(ValueError, match=r'contact ends at 0\.4, before it starts at 0\.5'):
        replace(motion, start=0.5, end=0.4)


def test_a_motion_knows_its_action_and_waits_where_it_is_told() -> None:
    motion = replace(
        motions('button', 'hold')[0],
        start=0.5,
        approach=np.array([0.0, 0.0, 0.2]),
        approach_time=0.2,
        pause=Pause(np.array([0.0, 0.0, 0.1]), 0.1, 0.05),
    )
    assert motion.action == 'hold'
    heights = [motion.hand_offset(time)[2] for time in (0.1, 0.25, 0.35, 0.4, 0.45, 0.5)]
    np.testing.assert_allclose(heights, [0.2, 0.15, 0.1, 0.1, 0.05, 0], atol=1e-12)
