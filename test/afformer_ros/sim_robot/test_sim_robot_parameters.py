# SPDX-License-Identifier: Apache-2.0
"""The trial that the parameters of the simulated robot name."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

# Only its files are read: other tests stand in for it.
if find_spec('gymnasium_robotics') is None:
    pytest.skip('gymnasium-robotics is not installed', allow_module_level=True)
pytest.importorskip('rclpy')

from afformer_ros.sim_robot.parameters import SimRobotParameters
from afformer_sim.closed_loop.trial import ClosedLoopSettings, plan_trials

from ...afformer_core.manipulation.bench import bench_world


def test_the_trial_is_the_view_of_the_demonstration_of_the_scene() -> None:
    scenes = {'families': ('drawers', 'keypad'), 'held_out': False, 'seed': 5}
    counts = {'demonstrations': 2, 'views': 3}
    named = {'scene': 3, 'demonstration': 1, 'view': 2, 'image_width': 96, 'image_height': 64}
    parameters = SimRobotParameters(**scenes, **counts, **named, depth_noise=0.03)
    settings = ClosedLoopSettings(**scenes, **counts, size=(96, 64), noise=0.03)
    assert parameters.settings == settings
    # Of two demonstrations with three views each, the last view of the second.
    trial, expected = parameters.trial(), plan_trials(settings, 3)[5]
    assert (trial.index, trial.scene.family) == (3, 'keypad')
    assert (trial.number, trial.task) == (expected.number, expected.task)
    assert trial.view.size == (96, 64)


def test_the_world_has_the_friction_and_the_stiffness_of_the_parameters() -> None:
    before = bench_world()
    world = SimRobotParameters(part_friction=7.5, stiffness_scale=4.0).world(before)
    assert (world.trial, world.workplace) == (before.trial, before.workplace)
    assert world._model.joint('joint_3').frictionloss == pytest.approx(7.5)
    # 600 N m/rad and 50 N m s/rad of the first joint
    first = world._model.actuator('panda_joint1')
    assert first.gainprm[0] == 2400.0
    assert first.biasprm[1:3].tolist() == [-2400.0, -100.0]


@pytest.mark.parametrize(('name', 'value'), [('demonstration', 2), ('view', 3)])
def test_a_number_beyond_the_last_is_refused(name: str, value: int) -> None:
    values = {'demonstrations': 2, 'views': 3, name: value}
    with pytest.raises(ValueError, match=rf'{name} (is )?{value}.*expected values below'):
        SimRobotParameters(**values)
