# SPDX-License-Identifier: Apache-2.0
"""The correction of a camera's pose by the depth of the arm, judged by the simulated fixture."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

# Only its files are read: other tests stand in for it.
if find_spec('gymnasium_robotics') is None:
    pytest.skip('gymnasium-robotics is not installed', allow_module_level=True)

from afformer_core.geometry.camera import Calibration, DepthImage
from afformer_core.geometry.transform import RigidTransform
from afformer_core.manipulation.arm_surface import ArmSurface, Correction, correct_positions
from afformer_core.manipulation.contact import ArmContact
from afformer_core.manipulation.kinematics import TipKinematics
from afformer_sim.arm.arm_cameras import ArmCameras
from afformer_sim.arm.arm_world import ArmWorld
from afformer_sim.arm.franka import ARM_JOINTS, arm_model
from afformer_sim.cameras.depth_camera import DepthCamera, millimetres
from afformer_sim.closed_loop.trial import AttemptVerdict
from afformer_sim.datasets.rgbd_messages import camera_info_message, header_message

from .world_arm import WorldArm, find_trial, right_contact, skills_of

# By how much the pose of the camera is off: metres, and radians about an axis.
SHIFT, TURN = np.array([0.004, 0.015, 0.008]), np.array([0.009, -0.012, 0.011])
KINEMATICS = TipKinematics(arm_model(), ARM_JOINTS, 'tip')


class SeenWorld:
    """A world whose camera measures depth, with a pose of the camera that is off."""

    def __init__(self, world: ArmWorld, calibration: Calibration) -> None:
        self.world = world
        self.calibration = calibration
        true = world.camera_pose()
        self.true = RigidTransform(true.rotation, true.position)
        turned = cv2.Rodrigues(TURN)[0] @ true.rotation
        self.known = RigidTransform(turned, true.position + SHIFT)
        self.without_arm = self.depth()

    def depth(self) -> NDArray[np.float32]:
        """Measure depth with noise of 0.5 %, float32 [H, W] metres."""
        with ArmCameras(self.world, DepthCamera(0.005, 0.05)) as cameras:
            sensed = cameras.capture(self.world.snapshot()).depth
        return DepthImage(millimetres(sensed), 'camera', 0).values

    def believed(self, contact: ArmContact) -> ArmContact:
        """Return a contact as the robot believes it to be."""
        seen = self.true.rotation.T @ (contact.point - self.true.translation)
        return replace(contact, point=self.known.point(seen))

    def correction(self, turned: float = 0.0) -> Correction | None:
        """Correct with the present depth, and joints of which the first is off by radians."""
        joints = self.world.joint_positions()
        joints[0] += turned
        surface = ArmSurface(arm_model(), ARM_JOINTS, 'panda_finger_joint1')
        surface.pose(joints[:7], float(joints[7]))
        tip = KINEMATICS.tip(joints[:7]).translation
        return correct_positions(
            surface, tip, self.known, self.calibration, self.without_arm, self.depth()
        )


@pytest.fixture
def seen() -> SeenWorld:
    from rosbags.typesys import Stores, get_typestore

    from afformer_core.messages.rosbags_messages import RosbagsMessages

    trial = find_trial('keypad', 'touch')
    factory = RosbagsMessages(get_typestore(Stores.LATEST))
    info = camera_info_message(factory, trial.view, header_message(factory, 0, 'camera'))
    return SeenWorld(ArmWorld(trial), Calibration.from_message(info, rectified=True))


def test_a_key_is_pressed_although_the_pose_of_the_camera_is_off(seen: SeenWorld) -> None:
    right = right_contact(seen.world)
    believed = seen.believed(right)
    assert np.linalg.norm(believed.point - right.point) > 0.02

    shifts: list[NDArray[np.float64]] = []

    def correct() -> NDArray[np.float64] | None:
        seen.world.advance(0.5)
        found = seen.correction()
        assert found is not None
        shifts.append(found.shift)
        return found.shift

    skills_of(WorldArm(seen.world)).act(believed, correct)
    assert np.linalg.norm(believed.point + shifts[0] - right.point) < 0.004
    assert seen.world.outcome().verdict is AttemptVerdict.DONE

    seen.world.reset()
    skills_of(WorldArm(seen.world)).act(believed)
    assert seen.world.outcome().verdict is not AttemptVerdict.DONE


def test_an_arm_out_of_view_corrects_nothing(seen: SeenWorld) -> None:
    assert seen.correction() is None


def test_joints_that_are_not_those_of_the_arm_correct_nothing(seen: SeenWorld) -> None:
    measured: list[Correction | None] = []

    def correct() -> None:
        seen.world.advance(0.5)
        measured.extend([seen.correction(), seen.correction(turned=0.31)])

    skills_of(WorldArm(seen.world)).act(seen.believed(right_contact(seen.world)), correct)
    fitting, other = measured
    assert fitting is not None
    assert fitting.fitting > 0.6
    assert other is None


def test_a_distant_camera_sees_the_arm_and_the_model_stays_as_it_was() -> None:
    model = arm_model()
    groups = model.geom_group.copy()
    surface = ArmSurface(model, ARM_JOINTS, 'panda_finger_joint1')
    surface.pose(np.array([0.0, -0.3, 0.0, -2.1, 0.0, 1.9, 0.8]), 0.04)
    towards, away = np.array([-1.0, 0.0, 0.0]), np.array([1.0, 0.0, 0.0])
    found = surface.distances(np.array([3.4, 0.0, 0.2]), np.stack([towards, away]))
    # Link 0 reaches about 10 cm forward at this height.
    assert found[0] == pytest.approx(3.3, abs=0.1)
    assert found[1] == np.inf
    assert (model.geom_group == groups).all()
