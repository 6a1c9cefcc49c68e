# SPDX-License-Identifier: Apache-2.0
"""Skills of the planner, judged by the state of the simulated fixture afterwards."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

# Only its files are read: other tests stand in for it.
if find_spec('gymnasium_robotics') is None:
    pytest.skip('gymnasium-robotics is not installed', allow_module_level=True)

from afformer_core.manipulation.contact import ArmContact, UnknownActionError, UnreachableError
from afformer_core.manipulation.kinematics import TipKinematics
from afformer_core.manipulation.skills import Skills
from afformer_sim.arm.arm_world import ArmWorld
from afformer_sim.arm.franka import ARM_JOINTS, arm_model
from afformer_sim.closed_loop.trial import AttemptVerdict

from .lock_step import LockStep
from .right_contacts import find_trial, right_contact


def skills_in(world: ArmWorld) -> Skills:
    kinematics = TipKinematics(arm_model(), ARM_JOINTS, 'tip')
    return Skills(LockStep(world).arm, kinematics, 0.1)


@pytest.mark.parametrize(
    ('family', 'action', 'felt'),
    [
        ('keypad', 'touch', 'touched'),
        ('drawers', 'pull', 'pulled 12 cm'),
        ('doors', 'push', 'pushed'),
        ('control_panel', 'rotate', 'turned'),
        ('mugs', 'pick up', 'lifted 10 cm'),
    ],
)
def test_a_skill_does_what_was_shown(family: str, action: str, felt: str) -> None:
    world = ArmWorld(find_trial(family, action))
    assert felt in str(skills_in(world).act(right_contact(world)))
    assert world.outcome().verdict is AttemptVerdict.DONE


@pytest.mark.parametrize(('lead', 'text', 'done'), [(0.0, '0 cm', False), (0.005, '12 cm', True)])
def test_a_drawer_that_sticks_needs_more_force(lead: float, text: str, done: bool) -> None:
    world = ArmWorld(find_trial('drawers', 'pull'), friction=57.0)
    felt = skills_in(world).act(replace(right_contact(world), lead=lead))
    assert (str(felt), felt.done) == (f'touched, pulled {text}', done)
    assert (world.outcome().verdict is AttemptVerdict.DONE) is done


def test_a_held_drawer_that_resists_is_in_contact_although_nothing_stopped_the_tip() -> None:
    world = ArmWorld(find_trial('drawers', 'pull'), friction=57.0)
    right = right_contact(world)
    beside = replace(right, point=right.point + [0.0013, 0.0119, 0.0])
    felt = skills_in(world).act(beside)
    assert str(felt) == 'nothing stopped the tip, pulled 0 cm'
    assert (felt.done, felt.in_contact) == (False, True)


def test_beside_the_button_nothing_is_done() -> None:
    world = ArmWorld(find_trial('keypad', 'touch'))
    right = right_contact(world)
    beside = replace(right, point=right.point + [0.0, 0.0, 0.25])
    felt = skills_in(world).act(beside)
    assert (str(felt), felt.done) == ('nothing stopped the tip', False)
    assert world.outcome().verdict is AttemptVerdict.NOTHING


def test_a_point_out_of_reach_moves_nothing() -> None:
    robot = LockStep(ArmWorld(find_trial('keypad', 'touch')))
    far = ArmContact('touch', np.array([2.0, 0.0, 0.4]), np.array([-1.0, 0.0, 0.0]))
    kinematics = TipKinematics(arm_model(), ARM_JOINTS, 'tip')
    with pytest.raises(UnreachableError, match=r'does not reach \[2\.0'):
        Skills(robot.arm, kinematics, 0.1).act(far)
    assert [controller.sent for controller in robot.controllers.values()] == [[], []]


def test_an_action_without_a_skill_is_refused() -> None:
    with pytest.raises(UnknownActionError, match="the action is 'press'; expected one of hold"):
        ArmContact('press', np.zeros(3), np.array([-1.0, 0.0, 0.0]))
