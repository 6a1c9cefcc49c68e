# SPDX-License-Identifier: Apache-2.0
"""The depth that a planner uses when an action begins."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Any, cast

import numpy as np
import pytest

if find_spec('gymnasium_robotics') is None:
    pytest.skip('gymnasium-robotics is not installed', allow_module_level=True)

from afformer_core.geometry.camera import Calibration, DepthImage
from afformer_core.geometry.transform import RigidTransform
from afformer_core.manipulation.arm_surface import ArmSurface
from afformer_core.manipulation.clearance import ArmClearance
from afformer_core.manipulation.kinematics import TipKinematics
from afformer_ros.planner.depth_view import DepthView
from afformer_sim.arm.franka import ARM_JOINTS, arm_model

MATRIX = np.array([[90.0, 0, 79.5], [0, 90.0, 59.5], [0, 0, 1]])
CALIBRATION = Calibration(160, 120, MATRIX, '', (), (0.0, 0.0), 'camera')
# A camera beside the base, which looks ahead; the tool reaches to 0.75 m ahead of it.
AHEAD = RigidTransform(np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]]), np.array([-0.2, 0.1, 0.5]))
REACHING = np.array([0.32, -0.59, -0.07, -2.66, -2.65, 2.57, 0.84])


@dataclass
class Camera:
    """A depth camera before a wall, and the place where it stands."""

    pose: RigidTransform | None = AHEAD
    has_depth: bool = True
    image: DepthImage = field(
        default_factory=lambda: DepthImage(np.full((120, 160), 0.7, np.float32), 'camera', 0)
    )

    def depth(self, count: int) -> DepthImage:
        return self.image

    def calibration(self) -> Calibration:
        return CALIBRATION

    def camera_pose(self) -> RigidTransform | None:
        return self.pose


def view_of(camera: Camera, clearance: ArmClearance, told: list[str]) -> DepthView:
    model = arm_model()
    return DepthView(
        cast(Any, camera),
        cast(Any, camera),
        cast(Any, None),
        ArmSurface(model, ARM_JOINTS, 'robot0:r_gripper_finger_joint'),
        TipKinematics(model, ARM_JOINTS, 'tip'),
        clearance,
        'camera',
        told.append,
    )


def test_the_arm_keeps_clear_of_what_the_camera_sees_when_an_action_begins() -> None:
    clearance, camera, told = ArmClearance(arm_model(), ARM_JOINTS), Camera(), list[str]()
    view = view_of(camera, clearance, told)
    assert clearance.is_free(REACHING)
    assert view.begin()
    assert not clearance.is_free(REACHING)
    # The wall has gone, and so has the publisher.
    camera.has_depth = False
    assert not view.begin()
    assert clearance.is_free(REACHING)
    assert told == []


@pytest.mark.parametrize(
    ('camera', 'reason'),
    [
        (Camera(pose=None), ''),
        (Camera(image=replace(Camera().image, frame_id='other')), 'depth is not used: '),
        (Camera(image=DepthImage(np.ones((60, 80), np.float32), 'camera', 0)), 'another size'),
    ],
)
def test_depth_that_does_not_fit_the_camera_is_not_used(camera: Camera, reason: str) -> None:
    clearance, told = ArmClearance(arm_model(), ARM_JOINTS), list[str]()
    assert not view_of(camera, clearance, told).begin()
    assert clearance.is_free(REACHING)
    assert len(told) == bool(reason)
    assert not told or reason in told[0]
