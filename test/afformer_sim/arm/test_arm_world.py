# SPDX-License-Identifier: Apache-2.0
"""An arm in front of a keypad, what it presses and reports, and its description in URDF."""

from __future__ import annotations

import re
from pathlib import Path

import mujoco
import numpy as np
import pytest

from afformer_core.errors import DatasetError
from afformer_core.geometry.transform import RigidTransform
from afformer_sim.arm import franka
from afformer_sim.arm.arm_world import ArmWorld
from afformer_sim.arm.franka import ARM_JOINTS, arm_model, mesh_file, mirrored
from afformer_sim.arm.robot_description import robot_description
from afformer_sim.closed_loop.trial import AttemptVerdict

from .arm_trials import (
    READY,
    approach,
    drawer_trial,
    front_of,
    keypad_trial,
    kinematics,
    move,
    move_gripper,
    press,
)


@pytest.fixture
def world() -> ArmWorld:
    return ArmWorld(keypad_trial())


def test_the_arm_has_the_flange_of_a_real_one_in_its_ready_posture() -> None:
    model = arm_model()
    data = mujoco.MjData(model)
    data.qpos[:7] = [0, -np.pi / 4, 0, -3 * np.pi / 4, 0, np.pi / 2, np.pi / 4]

    mujoco.mj_kinematics(model, data)

    # Franka's documentation: the hand's frame is 0.1034 m before the end effector's, whose
    # position is (0.3069, 0, 0.4869)
    assert data.body('panda_hand').xpos == pytest.approx([0.3069, 0, 0.5903], abs=2e-4)
    assert data.site('tip').xpos == pytest.approx([0.3069, 0, 0.4103], abs=2e-4)


def test_a_mirrored_posture_mirrors_the_tip() -> None:
    posture = np.array([0.4, -0.5, 0.2, -2.0, -0.4, 1.9, 0.6])

    first, second = kinematics().tip(posture), kinematics().tip(mirrored(posture))

    assert second.translation == pytest.approx(first.translation * [1, -1, 1], abs=1e-9)
    # the direction ahead, and the axis along which the fingers move but for its sign
    _, fingers, ahead = first.rotation.T * [1, -1, 1]
    assert second.rotation[:, 2] == pytest.approx(ahead, abs=1e-9)
    assert abs(second.rotation[:, 1] @ fingers) == pytest.approx(1)


@pytest.mark.parametrize(
    ('which', 'aside', 'depth', 'verdict'),
    [
        ('demonstrated', 0.0, 0.008, AttemptVerdict.DONE),
        ('other', 0.0, 0.008, AttemptVerdict.WRONG_ELEMENT),
        # The panel beside the button.
        ('demonstrated', 0.035, 0.012, AttemptVerdict.FIXED_PART),
    ],
)
def test_a_press_is_judged_by_what_it_meets(
    world: ArmWorld, which: str, aside: float, depth: float, verdict: AttemptVerdict
) -> None:
    element = world.trial.task.element
    other = next(i for i in range(7) if i != element)
    point, ahead = front_of(world, element if which == 'demonstrated' else other)

    press(world, point + [0.0, 0.0, aside], ahead, depth)

    assert world.outcome().verdict is verdict
    if verdict is AttemptVerdict.DONE:
        assert world.outcome().first_contact == element


def test_an_arm_that_waits_touches_nothing(world: ArmWorld) -> None:
    world.advance(0.5)

    assert world.outcome().verdict is AttemptVerdict.NOTHING
    assert world.joint_positions()[:7] == pytest.approx(world.posture('observe'), abs=1e-6)


def test_a_reset_world_goes_as_a_new_one(world: ArmWorld) -> None:
    target = front_of(world, world.trial.task.element)
    press(world, *target)
    first = world.joint_positions()

    world.reset()
    assert world.time == 0
    assert world.outcome().verdict is AttemptVerdict.NOTHING
    new = ArmWorld(keypad_trial())
    for again in (world, new):
        press(again, *target)
        assert (again.joint_positions() == first).all()


def test_what_the_hand_runs_into_is_told_apart_from_touches_of_the_tip(world: ArmWorld) -> None:
    point, ahead = front_of(world, world.trial.task.element)
    down = np.array([0.0, 0.0, -1.0])
    ends = [point + 0.13 * down + step * ahead for step in (-0.12, 0.04)]

    paths = kinematics().approaches(ends, down, READY, closing=np.eye(3)[1])
    before, inside = min(paths, key=lambda path: float(np.abs(path[0] - READY).max()))
    move(world, before, seconds=4.0)
    move(world, inside, seconds=1.0)

    assert world.arm_contacts == {0, -1}
    assert world.outcome().verdict is AttemptVerdict.NOTHING


@pytest.mark.parametrize('into', ['the fixture', 'itself'])
def test_an_arm_that_is_driven_into_something_stays_finite(world: ArmWorld, into: str) -> None:
    if into == 'itself':
        move(world, np.array([0.0, 1.7, 0.0, -3.0, 0.0, 0.0, 0.0]), seconds=3.0)
    else:
        press(world, *front_of(world, world.trial.task.element), depth=0.1)

    assert np.isfinite(world.joint_positions()).all()
    assert np.abs(world.joint_velocities()).max() < 3


def test_a_drawer_comes_along_while_it_is_held() -> None:
    trial = drawer_trial()
    world = ArmWorld(trial)
    point, ahead = front_of(world, trial.task.element)
    way = approach(point + 0.015 * ahead, ahead, 0.2)
    move(world, way[0], seconds=2.0)
    move(world, *way, seconds=2.0)
    move_gripper(world, 0.0)
    held = world.held
    move(world, *reversed(way), seconds=3.0)
    pulled = world.progress()[trial.task.element]
    move_gripper(world, 0.04)
    let_go, done, before = world.held, world.outcome().verdict, world.tip_pose().position
    above = RigidTransform(world.tip_pose().rotation, before + [0.0, 0.0, 0.04])
    move(world, kinematics().joints(above, way[0]), seconds=1.0)

    assert held == trial.task.element
    assert pulled > 0.5
    assert let_go is None
    assert done is AttemptVerdict.DONE
    assert world.tip_pose().position[2] == pytest.approx(before[2] + 0.04, abs=0.003)


def test_its_tip_is_where_that_of_the_model_is() -> None:
    # MuJoCo looks for meshes elsewhere
    bare = re.sub(r'<visual>.*?</visual>', '', robot_description())
    extension = '<mujoco><compiler fusestatic="false"/></mujoco></robot>'
    read = mujoco.MjModel.from_xml_string(bare.replace('</robot>', extension))
    model = arm_model()
    positions = [0.3, -0.5, 0.2, -2.0, -0.4, 1.9, 0.6]
    poses = []
    for one, frame in ((read, 'body'), (model, 'site')):
        data = mujoco.MjData(one)
        for name, position in zip(ARM_JOINTS, positions, strict=True):
            data.joint(name).qpos = position
        mujoco.mj_kinematics(one, data)
        tip = data.body('panda_tip') if frame == 'body' else data.site('tip')
        poses.append(np.append(tip.xpos, tip.xmat))

    assert poses[0] == pytest.approx(poses[1], abs=1e-6)
    for name in ARM_JOINTS:
        assert read.joint(name).range == pytest.approx(model.joint(name).range, abs=1e-5)


def test_its_meshes_exist_and_lie_as_in_the_model() -> None:
    text = robot_description()
    files = re.findall(r'<mesh filename="file://(.*?)"/>', text)

    assert len(files) == 11
    assert text.count('<box size="0.007 0.004 0.07"/>') == 2
    assert all(Path(name).is_file() for name in files)
    # the frames of the links' files are those of the links
    link = re.search(r'<link name="panda_link3">.*?</link>', text)
    origin = re.search(r'<visual><origin xyz="(.*?)" rpy="(.*?)"/>', link[0])
    assert [float(value) for value in f'{origin[1]} {origin[2]}'.split()] == pytest.approx(
        [0] * 6, abs=1e-6
    )


def test_missing_meshes_are_told_with_the_package_that_has_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install = "Run: pip install --no-deps 'gymnasium-robotics>=1.3'"
    with pytest.raises(DatasetError, match=f'wing.stl does not exist; .* {install}'):
        mesh_file('visual', 'wing')
    monkeypatch.setattr(franka, '_PACKAGE', 'no_such_package')
    with pytest.raises(DatasetError, match=f'no_such_package is not installed; .* {install}'):
        mesh_file('visual', 'link0')
