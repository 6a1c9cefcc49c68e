# SPDX-License-Identifier: Apache-2.0
"""Clearance of an arm from itself, and from the view of a depth camera."""

from __future__ import annotations

from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import pytest

if find_spec('gymnasium_robotics') is None:
    pytest.skip('gymnasium-robotics is not installed', allow_module_level=True)

from afformer_core.geometry.camera import Calibration
from afformer_core.geometry.transform import RigidTransform
from afformer_core.manipulation.arm_surface import ArmSurface
from afformer_core.manipulation.clearance import ArmClearance
from afformer_core.manipulation.joint_path import free_path
from afformer_core.manipulation.kinematics import TipKinematics
from afformer_sim.arm.arm_world import ArmWorld
from afformer_sim.arm.franka import ARM_JOINTS, POSTURES, arm_model
from afformer_sim.cameras.depth_camera import DepthCamera
from afformer_sim.closed_loop.trial import ClosedLoopSettings, plan_trials
from afformer_sim.datasets.rgbd_messages import camera_matrix
from afformer_sim.scene.renderer import Renderer

from .world_arm import WorldArm, right_contact, skills_of

OBSERVE = np.array(POSTURES['observe'])
# The first link and the forearm overlap.
FOLDED = np.array([-2.9, 0.69, -1.39, -2.93, -1.22, 1.36, 1.45])
# A camera beside the base, which looks ahead: right of it is -y, below it is -z.
AHEAD = RigidTransform(np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]]), np.array([-0.2, 0.1, 0.5]))
CALIBRATION = Calibration(
    160, 120, np.array([[90.0, 0, 79.5], [0, 90.0, 59.5], [0, 0, 1]]), '', (), (0.0, 0.0), 'depth'
)


# The tip at (0.55, 0.1, 0.45), the tool ahead.
REACHING = np.array([0.32, -0.59, -0.07, -2.66, -2.65, 2.57, 0.84])


def without_camera() -> ArmClearance:
    return ArmClearance(arm_model(), ARM_JOINTS)


def before_wall(metres: float) -> ArmClearance:
    """An arm whose camera sees a wall at a distance."""
    clearance = without_camera()
    clearance.see(np.full((120, 160), metres, np.float32), CALIBRATION, AHEAD)
    return clearance


def tip(joints: np.ndarray) -> np.ndarray:
    return TipKinematics(arm_model(), ARM_JOINTS, 'tip').tip(joints).translation


def test_an_arm_that_touches_itself_is_not_clear_unless_it_did_so_at_rest() -> None:
    clearance = without_camera()
    assert clearance.is_free(OBSERVE)
    assert not clearance.is_free(FOLDED)
    assert clearance.overlap(FOLDED, np.zeros(3)) == np.inf
    clearance.allow(FOLDED)
    assert clearance.is_free(FOLDED)
    clearance.forget()
    assert not clearance.is_free(FOLDED)


def test_the_arm_keeps_away_from_a_wall_and_what_is_behind_it() -> None:
    # The tip is 0.75 m ahead of the camera, and points ahead.
    assert before_wall(0.79).is_free(REACHING)
    assert not before_wall(0.76).is_free(REACHING)
    assert not before_wall(0.68).is_free(REACHING)
    assert before_wall(np.nan).is_free(REACHING)
    # Where a motion ends, it is checked, too.
    assert not before_wall(0.76).is_free_motion(REACHING - 0.001, REACHING)


def test_the_tip_may_touch_what_is_at_the_point_of_the_action() -> None:
    clearance, point = before_wall(0.72), np.array([0.55, 0.1, 0.45])
    assert clearance.overlap(REACHING, point) == 0
    assert 0.01 < clearance.overlap(REACHING, point + [0.0, 0.2, 0.0]) < 0.1


def test_a_post_is_in_the_way_only_where_the_camera_sees_it() -> None:
    depth = np.full((120, 160), 5.0, np.float32)
    # A post of 7 cm, 35 cm to the right of the tip.
    depth[:, 118:126] = 0.7
    clearance = without_camera()
    clearance.see(depth, CALIBRATION, AHEAD)
    turn = np.array([0.55, 0, 0, 0, 0, 0, 0])
    assert clearance.is_free(REACHING)
    assert clearance.is_free(REACHING + turn)
    assert not clearance.is_free(REACHING - turn)


def test_an_arm_in_view_is_no_obstacle_to_itself() -> None:
    joints = np.array([0.2, 0.1, 0.0, -2.1, 0.0, 2.2, 0.785])
    surface = ArmSurface(arm_model(), ARM_JOINTS, 'panda_finger_joint1')
    surface.pose(joints, 0.04)
    rows, columns = np.indices((120, 160)).reshape(2, -1)
    rays = CALIBRATION.rays(np.stack([columns, rows], axis=1))
    rays = np.concatenate([rays, np.ones((len(rays), 1))], axis=1)
    lengths = np.linalg.norm(rays, axis=1)
    shown = surface.distances(AHEAD.translation, rays / lengths[:, None] @ AHEAD.rotation.T)
    depth = (shown / lengths).reshape(120, 160).astype(np.float32)
    clearance = without_camera()
    clearance.see(depth, CALIBRATION, AHEAD)
    assert not clearance.is_free(joints)
    clearance.allow(joints)
    assert clearance.is_free(joints)


def test_a_path_goes_around_what_is_between_its_ends() -> None:
    turn = np.array([0.5, 0, 0, 0, 0, 0, 0])
    begin, end = REACHING + turn, REACHING - turn
    depth = np.full((120, 160), 5.0, np.float32)
    depth[50:, 76:84] = 0.7
    clearance = without_camera()
    path = free_path(clearance, begin, end)
    assert path is not None
    assert np.array_equal(path, [end])
    clearance.see(depth, CALIBRATION, AHEAD)
    assert not clearance.is_free_motion(begin, end)
    path = free_path(clearance, begin, end)
    assert path is not None
    assert np.array_equal(path[-1], end)
    for first, last in pairwise([begin, *path]):
        for share in np.linspace(0, 1, 40):
            assert clearance.is_free(first + share * (last - first))


def test_there_is_no_path_into_what_was_seen() -> None:
    assert free_path(before_wall(0.72), OBSERVE, REACHING) is None


def test_an_arm_goes_around_the_kettle_beside_the_point() -> None:
    # Straight in joint space, the arm is stopped 18 cm before the point.
    trial = plan_trials(ClosedLoopSettings(seed=333, scenes=20), 7)[0]
    world = ArmWorld(trial)
    contact = right_contact(world)
    with Renderer(trial.scene, trial.view.size) as renderer:
        _, depth = renderer.render_with_depth(
            trial.view.camera, trial.view.size, states=trial.states
        )
    pose = RigidTransform(world.camera_pose().rotation, world.camera_pose().position)
    matrix = camera_matrix(trial.view)
    calibration = Calibration(*trial.view.size, matrix, '', (), (0.0, 0.0), 'depth')
    skills = skills_of(WorldArm(world))
    seen = DepthCamera(0.01, 0.0).measure(depth, np.random.default_rng(7))
    skills._clearance.see(seen, calibration, pose)
    assert skills.act(contact).done
    assert world.outcome().done
