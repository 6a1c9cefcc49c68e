# SPDX-License-Identifier: Apache-2.0
"""True directions of motion, and the measures of published ones."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_core.geometry.motion import MotionType, PartMotion
from afformer_sim.bodies.pose import STILL
from afformer_sim.bodies.seeds import scene_seed
from afformer_sim.closed_loop.benchmark import ClosedLoopTrial, PointOutcomes
from afformer_sim.closed_loop.motion_measures import measure_motions
from afformer_sim.closed_loop.trial import AttemptOutcome, AttemptVerdict
from afformer_sim.closed_loop.true_motion import motion_error, true_motion
from afformer_sim.scene.demonstration import plan_demonstration
from afformer_sim.scene.scene import Scene


def _expected(family: str, action: str) -> tuple[np.ndarray, float]:
    """The direction of a demonstration of a family, and how much its joint's value rises."""
    scene = Scene(scene_seed(3, 0), family)
    number = next(i for i, one in enumerate(scene.fixture.elements) if action in one.actions)
    demonstration = plan_demonstration(scene, number, action=action)
    before, after = demonstration.motion.values
    return true_motion(scene.fixture, demonstration, STILL), after - before


@pytest.mark.parametrize(
    ('family', 'action', 'direction'),
    [
        ('keypad', 'touch', [0, 0, -1]),
        ('keypad', 'hold', [0, 0, -1]),
        ('drawers', 'pull', [0, 0, 1]),
        ('drawers', 'push', [0, 0, -1]),
        ('drawers', 'touch', [0, 0, -1]),
    ],
)
def test_the_front_of_an_element_moves_along_its_joint(family, action, direction):
    np.testing.assert_allclose(_expected(family, action)[0], direction, atol=1e-9)


def test_the_handle_of_a_door_begins_its_arc_outwards():
    direction, _ = _expected('doors', 'pull')
    assert np.linalg.norm(direction) == pytest.approx(1)
    assert direction[2] > 0.9


def test_a_stove_knob_turns_about_its_axis_in_the_sense_of_the_demonstration():
    direction, rise = _expected('cooktop', 'rotate')
    scene = Scene(scene_seed(3, 0), 'cooktop')
    knob = next(one for one in scene.fixture.elements if 'rotate' in one.actions)
    np.testing.assert_allclose(direction, np.sign(rise) * knob.pose.rotation[:, 2], atol=1e-9)


def test_the_error_is_an_angle():
    forward = np.array([0.0, 0.0, 1.0])
    aside = PartMotion(MotionType.TRANSLATION, np.array([0.0, 0.6, 0.8]), '')
    back = PartMotion(MotionType.ROTATION, -forward, '')
    assert motion_error(aside, forward) == pytest.approx(36.8699, abs=1e-3)
    assert motion_error(back, forward) == 180
    assert motion_error(PartMotion.unknown('a hole'), forward) is None


def _trial(action: str, angle: float | None, read: str = '', reached: int = 0) -> ClosedLoopTrial:
    done = AttemptOutcome(AttemptVerdict.DONE, reached)
    attempt = PointOutcomes(done, done, done, 0.002, angle)
    return ClosedLoopTrial(
        scene=0,
        family='keypad',
        kind='knob',
        action=action,
        read=read or action,
        element=0,
        elements=4,
        viewpoint=10.0,
        attempts={0.0: attempt},
    )


def test_motions_are_measured_where_element_and_action_are_right():
    given = [
        _trial('pull', 4.0),
        _trial('pull', 8.0),
        _trial('pull', None),
        _trial('pull', 90.0, read='push'),
        _trial('pull', 90.0, reached=1),
        _trial('rotate', 10.0),
        _trial('rotate', 174.0),
        _trial('rotate', None),
    ]
    measures = measure_motions(given, 0.0)
    assert list(measures) == ['all', 'rotate', 'pull']
    pull, rotate = measures['pull'], measures['rotate']
    assert (pull.trials, pull.error.value, pull.sense) == (3, 6.0, None)
    assert pull.known.value == pytest.approx(2 / 3)
    # the axis of the rotation in the wrong sense is off by 6 degrees
    assert (rotate.trials, rotate.error.value, rotate.sense.value) == (3, 8.0, 0.5)
    assert measures['all'].error.value == 7.0
