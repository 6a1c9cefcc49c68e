# SPDX-License-Identifier: Apache-2.0
"""The depth camera of a planner: what the arm must keep clear of, and the camera's own pose."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import AfformerError
from afformer_core.geometry.camera import DepthImage, alignment_problem
from afformer_core.geometry.transform import RigidTransform
from afformer_core.manipulation.arm_surface import ArmSurface, correct_positions
from afformer_core.manipulation.clearance import ArmClearance
from afformer_core.manipulation.kinematics import TipKinematics
from afformer_ros.planner.arm_client import ArmClient
from afformer_ros.planner.camera_client import BaseTransforms, CameraClient

# Depth images of which the median is taken.
_IMAGES = 3


class DepthView:
    """What the depth camera sees before an action, and of the arm during it.

    Args:
        camera: client of the camera.
        poses: poses of the camera.
        arm: client of the arm.
        surface: surface of the arm.
        kinematics: its kinematics.
        clearance: what the arm must keep clear of.
        camera_frame: optical frame of the camera.
        log: called with one sentence for a person.
    """

    def __init__(
        self,
        camera: CameraClient,
        poses: BaseTransforms,
        arm: ArmClient,
        surface: ArmSurface,
        kinematics: TipKinematics,
        clearance: ArmClearance,
        camera_frame: str,
        log: Callable[[str], object],
    ) -> None:
        self._camera, self._poses, self._arm = camera, poses, arm
        self._surface, self._kinematics = surface, kinematics
        self._clearance = clearance
        self._frame = camera_frame
        self._log = log
        self._before: DepthImage | None = None
        self._pose: RigidTransform | None = None

    def begin(self) -> bool:
        """Measure the depth before the arm moves; return whether it is known."""
        self._before = None
        self._clearance.forget()
        self._pose = self._poses.camera_pose()
        if self._pose is None or not self._camera.has_depth:
            return False
        self._before = self._depth()
        if self._before is None:
            return False
        self._clearance.see(self._before.values, self._camera.calibration(), self._pose)
        return True

    def shift(self) -> NDArray[np.float64] | None:
        """Measure the shift of positions near the resting arm, by which the pose is off.

        Returns:
            [3] metres; None if it is not known.

        Raises:
            ArmError: the arm does not answer, or the planner is stopped.
        """
        pose = self._pose
        # A camera on the arm does not see what it saw before.
        if self._before is None or pose is None or pose is not self._poses.camera_pose():
            return None
        joints = self._arm.positions()
        self._surface.pose(joints, self._arm.gripper_position())
        seen = self._depth()
        if seen is None or seen.size != self._before.size:
            return None
        calibration = self._camera.calibration()
        corrected = correct_positions(
            self._surface,
            self._kinematics.tip(joints).translation,
            pose,
            calibration,
            self._before.values,
            seen.values,
        )
        if corrected is None:
            self._log('camera_pose is not corrected: the depth does not show enough of the arm')
            return None
        length = float(np.linalg.norm(corrected.shift))
        self._log(
            f'the point is shifted by {length * 1e3:.0f} mm, at which the depth of the arm fits '
            f'its joints ({corrected.fitting:.0%} of its pixels)'
        )
        return corrected.shift

    def _depth(self) -> DepthImage | None:
        """Measure depth; return None with a logged reason if it does not fit the camera."""
        try:
            depth = self._camera.depth(_IMAGES)
            calibration = self._camera.calibration()
        except AfformerError as error:
            self._log(f'depth is not used: {error}')
            return None
        size = calibration.height, calibration.width
        problem = alignment_problem(size, self._frame, depth, calibration)
        if not problem and depth.size != size:
            problem = f'depth has another size than images, {depth.size} and {size}'
        if problem:
            self._log(f'depth is not used: {problem}')
            return None
        return depth
