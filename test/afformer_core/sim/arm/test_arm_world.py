# SPDX-License-Identifier: Apache-2.0
"""An arm in front of a keypad: what it reaches, presses and reports."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from afformer_core.sim.arm.arm_cameras import ArmCameras
from afformer_core.sim.arm.arm_world import ArmWorld
from afformer_core.sim.arm.franka import ARM_JOINTS, FINGER_JOINTS, arm_model, mirrored
from afformer_core.sim.arm.joint_trajectory import JointTrajectory, TrajectoryError
from afformer_core.sim.arm.kinematics import shared_kinematics
from afformer_core.sim.cameras.depth_camera import DepthCamera
from afformer_core.sim.closed_loop.trial import Verdict
from afformer_core.sim.scene.renderer import Renderer

from .arm_trials import drawer_trial, front_of, keypad_trial, move, press


@pytest.fixture
def world() -> ArmWorld:
    return ArmWorld(keypad_trial())


def close_gripper(world: ArmWorld, opening: float) -> None:
    world.move_gripper(JointTrajectory(FINGER_JOINTS[:1], np.array([0.3]), np.array([[opening]])))
    world.advance(0.5)


def test_the_arm_has_the_flange_of_a_real_one_in_its_ready_posture() -> None:
    model = arm_model()
    data = mujoco.MjData(model)
    data.qpos[:7] = [0, -np.pi / 4, 0, -3 * np.pi / 4, 0, np.pi / 2, np.pi / 4]

    mujoco.mj_kinematics(model, data)

    # Franka's documentation: the hand's frame is 0.1034 m before the end effector's, whose
    # position is (0.3069, 0, 0.4869)
    assert data.body('panda_hand').xpos == pytest.approx([0.3069, 0, 0.5903], abs=2e-4)
    assert data.site('tip').xpos == pytest.approx([0.3069, 0, 0.4103], abs=2e-4)


def test_it_presses_the_button_that_was_demonstrated(world: ArmWorld) -> None:
    press(world, *front_of(world, world.trial.task.element))

    outcome = world.outcome()

    assert outcome.verdict is Verdict.DONE
    assert outcome.first_contact == world.trial.task.element


def test_another_button_is_another_element(world: ArmWorld) -> None:
    other = next(i for i in range(7) if i != world.trial.task.element)

    press(world, *front_of(world, other))

    assert world.outcome().verdict is Verdict.WRONG_ELEMENT


def test_the_panel_beside_a_button_is_a_fixed_part(world: ArmWorld) -> None:
    point, ahead = front_of(world, world.trial.task.element)

    press(world, point + [0.0, 0.0, 0.035], ahead, depth=0.012)

    assert world.outcome().verdict is Verdict.FIXED_PART


def test_an_arm_that_waits_touches_nothing(world: ArmWorld) -> None:
    world.advance(0.5)

    assert world.outcome().verdict is Verdict.NOTHING
    assert world.simulation.joint_positions()[:7] == pytest.approx(
        world.posture('observe'), abs=1e-6
    )


def test_equal_commands_go_equally() -> None:
    ends = []
    for _ in range(2):
        world = ArmWorld(keypad_trial())
        press(world, *front_of(world, world.trial.task.element))
        ends.append((world.simulation.joint_positions(), world.simulation.values()))

    assert (ends[0][0] == ends[1][0]).all()
    assert (ends[0][1] == ends[1][1]).all()


def test_a_reset_world_goes_as_a_new_one(world: ArmWorld) -> None:
    target = front_of(world, world.trial.task.element)
    press(world, *target)
    first = world.simulation.joint_positions()

    world.reset()
    assert world.time == 0
    assert world.outcome().verdict is Verdict.NOTHING
    press(world, *target)

    assert (world.simulation.joint_positions() == first).all()


def test_an_arm_that_is_driven_into_the_fixture_stays_finite(world: ArmWorld) -> None:
    point, ahead = front_of(world, world.trial.task.element)

    press(world, point, ahead, depth=0.1)

    assert np.isfinite(world.simulation.joint_positions()).all()
    assert np.abs(world.simulation.joint_velocities()).max() < 3


def test_an_arm_that_folds_into_itself_stays_finite(world: ArmWorld) -> None:
    move(world, np.array([0.0, 1.7, 0.0, -3.0, 0.0, 0.0, 0.0]), seconds=3.0)

    assert np.isfinite(world.simulation.joint_positions()).all()
    assert np.abs(world.simulation.joint_velocities()).max() < 3


def test_a_refused_trajectory_leaves_the_old_one(world: ArmWorld) -> None:
    goal = world.posture('observe') + 0.1
    world.follow(JointTrajectory(ARM_JOINTS, np.array([1.0]), goal[None]))

    with pytest.raises(TrajectoryError):
        world.follow(JointTrajectory(ARM_JOINTS, np.array([0.01]), goal[None] + 0.5))
    world.advance(1.5)

    assert world.simulation.joint_positions()[:7] == pytest.approx(goal, abs=1e-3)


def test_a_drawer_comes_along_while_it_is_held() -> None:
    trial = drawer_trial()
    world = ArmWorld(trial)
    point, ahead = front_of(world, trial.task.element)
    way = shared_kinematics().approach(point + 0.003 * ahead, ahead, 0.2)
    move(world, way[0], seconds=2.0)
    move(world, *way, seconds=2.0)
    close_gripper(world, 0.0)
    held = world.held
    move(world, *reversed(way), seconds=3.0)
    pulled = world.simulation.progress()[trial.task.element]
    close_gripper(world, 0.04)
    let_go, done = world.held, world.outcome().verdict
    move(world, *way, seconds=3.0)

    assert held == trial.task.element
    assert pulled > 0.5
    assert let_go is None
    assert done is Verdict.DONE
    assert world.simulation.progress()[trial.task.element] < 0.2


def test_a_gripper_that_was_closed_before_holds_nothing(world: ArmWorld) -> None:
    close_gripper(world, 0.0)

    press(world, *front_of(world, world.trial.task.element))

    assert world.held is None
    assert world.outcome().verdict is Verdict.DONE


def test_depth_at_the_pixel_of_the_tip_is_the_tips(world: ArmWorld) -> None:
    point, ahead = front_of(world, world.trial.task.element)
    move(world, shared_kinematics().approach(point, ahead, 0.05)[0], seconds=2.0)
    camera, tip = world.camera_pose(), world.tip_pose().position
    x, y, z = camera.rotation.T @ (tip - camera.position)
    width, height = world.trial.view.size
    focal = height / 2 / np.tan(np.radians(world.trial.view.camera.field_of_view) / 2)
    column, row = focal * x / z + (width - 1) / 2, focal * y / z + (height - 1) / 2

    with ArmCameras(world, DepthCamera(0.0, 0.0)) as cameras:
        near = cameras.capture(world.snapshot()).depth.values[round(row), round(column)]
        world.reset()
        far = cameras.capture(world.snapshot()).depth.values[round(row), round(column)]

    assert 0 <= column < width
    assert 0 <= row < height
    # the camera sees the tip from behind, where it is up to its length nearer
    assert z - 0.07 < near <= z + 0.001
    assert far > z + 0.03


def test_the_parked_arm_is_out_of_view(world: ArmWorld) -> None:
    view = world.trial.view
    with Renderer(world.trial.scene, view.size) as renderer:
        renderer.set_room(view.lighting, view.surroundings)
        alone = renderer.depth(view.camera, view.size, states=world.snapshot().states)
    beside = np.array([-0.3, -0.4, 0.9, -2.35, -2.1, 2.5, 0.8])
    with ArmCameras(world, DepthCamera(0.0, 0.0)) as cameras:
        parked = cameras.capture(world.snapshot()).depth.values
        move(world, beside if world.workplace.side > 0 else mirrored(beside), seconds=3.0)
        at_work = cameras.capture(world.snapshot()).depth.values

    assert not (parked < alone - 0.01).any()
    assert (at_work < alone - 0.01).any()


def test_image_and_depth_at_once_are_those_one_by_one(world: ArmWorld) -> None:
    view = world.trial.view
    with Renderer(world.trial.scene, view.size) as renderer:
        renderer.set_room(view.lighting, view.surroundings)
        image, depth = renderer.render_with_depth(view.camera, view.size)

        assert (renderer.render(view.camera, view.size) == image).all()
        assert (renderer.depth(view.camera, view.size) == depth).all()
