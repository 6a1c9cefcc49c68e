# SPDX-License-Identifier: Apache-2.0
"""Inverse kinematics of the arm by mink: joint positions that bring the tip to a point."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import mink
import numpy as np
from numpy.typing import NDArray

from afformer_sim.arm.franka import ARM_JOINTS, JOINTS, TIP_SITE, arm_model
from afformer_sim.bodies.pose import facing

# Postures from which solving begins: bent beside the target, to either side, and above it.
_SEEDS = (
    (-0.3, -0.4, 0.9, -2.35, -2.1, 2.5, 0.8),
    (0.3, -0.4, -0.9, -2.35, 2.1, 2.5, 0.8),
    (0.4, -0.785, 0.0, -2.356, 0.0, 1.571, 0.785),
    (-0.4, -0.785, 0.0, -2.356, 0.0, 1.571, 0.785),
    (-0.3, -0.4, 0.9, -2.0, -0.6, 2.5, 0.8),
    (0.3, -0.4, -0.9, -2.0, 0.6, 2.5, 0.8),
)
# Metres between the points of a straight path.
_WAY_STEP = 0.01
_ITERATIONS = 80
_STEP = 0.15
# Radians per second below which the solver makes no progress.
_STALLED = 0.01
# Tolerances of the target, metres and radians.
_NEAR, _ALIGNED = 5e-4, 0.02
# Minimum distance of a solution from the limits of the joints, radians.
_MARGIN = 0.05


@lru_cache(maxsize=1)
def shared_kinematics() -> ArmKinematics:
    """Return an instance that all callers in a thread share; creating one takes half a second."""
    return ArmKinematics()


class ArmKinematics:
    """Inverse kinematics of the arm in the frame of its base."""

    def __init__(self) -> None:
        self.model = arm_model()
        self._configuration = mink.Configuration(self.model)
        self._joints = [int(self.model.joint(name).qposadr[0]) for name in ARM_JOINTS]
        self._site = self.model.site(TIP_SITE).id
        # the rotation about the tip's own axis is free
        self._tip = mink.FrameTask(TIP_SITE, 'site', 1.0, np.array([0.3, 0.3, 0.0]))
        self._posture = mink.PostureTask(self.model, cost=1e-3)
        for row, described in zip(self._joints, JOINTS, strict=True):
            joint = int(np.flatnonzero(self.model.jnt_qposadr == row)[0])
            self.model.jnt_range[joint] = (
                described.limits[0] + _MARGIN,
                described.limits[1] - _MARGIN,
            )
        self._limits = [mink.ConfigurationLimit(self.model)]

    def tip(self, positions: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the pose of the tip at joint positions, [7]: float64 [4, 4], z ahead."""
        self._configuration.update(self._full(positions))
        pose = self._configuration.get_transform_frame_to_world(TIP_SITE, 'site')
        return np.asarray(pose.as_matrix())

    def solutions(
        self, point: NDArray[np.float64], approach: NDArray[np.float64]
    ) -> list[NDArray[np.float64]]:
        """Find joint positions with the tip at a point, pointing in a direction.

        Args:
            point: [3] metres in the frame of the base.
            approach: [3] unit vector along which the tip points.

        Returns: float64 [7] each, sorted by decreasing distance from the limits of the joints.
        """
        found = [self.solve(point, approach, seed) for seed in _SEEDS]
        low, high = np.array([joint.limits for joint in JOINTS]).T
        return sorted(
            (posture for posture in found if posture is not None),
            key=lambda posture: -float(np.minimum(posture - low, high - posture).min()),
        )

    def approach(
        self,
        point: NDArray[np.float64],
        approach: NDArray[np.float64],
        distance: float,
    ) -> list[NDArray[np.float64]]:
        """Find a straight path of the tip to a point, with the tip pointing along the path.

        Args:
            point: [3] metres in the frame of the base.
            approach: [3] unit vector along which the tip moves.
            distance: length of the path, metres.

        Returns:
            float64 [7] joint positions, about each centimetre from the first to the last; empty if
            no path is found.
        """
        steps = np.linspace(distance, 0.0, max(2, round(distance / _WAY_STEP) + 1))
        for first in self.solutions(point - distance * approach, approach):
            way = [first]
            for step in steps[1:]:
                after = self.solve(point - step * approach, approach, way[-1])
                if after is None:
                    break
                way.append(after)
            else:
                return way
        return []

    def solve(
        self,
        point: NDArray[np.float64],
        approach: NDArray[np.float64],
        start: Sequence[float] | NDArray[np.float64],
    ) -> NDArray[np.float64] | None:
        """Find joint positions like `solutions`, near `start`, [7].

        Returns: float64 [7], or None if none is found.
        """
        configuration = self._configuration
        configuration.update(self._full(start))
        aside = np.array([0.0, 0, 1]) if abs(approach[2]) < 0.9 else np.array([1.0, 0, 0])
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = facing(approach, aside), point
        self._tip.set_target(mink.SE3.from_matrix(matrix))
        self._posture.set_target(configuration.q)
        for _ in range(_ITERATIONS):
            if self._arrived(point, approach):
                return np.array(configuration.q[self._joints])
            try:
                speed = mink.solve_ik(
                    configuration,
                    [self._tip, self._posture],
                    _STEP,
                    'daqp',
                    damping=1e-6,
                    limits=self._limits,
                )
            except mink.NoSolutionFound:
                return None
            if np.abs(speed).max() < _STALLED:
                return None
            configuration.integrate_inplace(speed, _STEP)
        return None

    def _arrived(self, point: NDArray[np.float64], approach: NDArray[np.float64]) -> bool:
        data = self._configuration.data
        ahead = data.site_xmat[self._site].reshape(3, 3)[:, 2]
        near = np.linalg.norm(data.site_xpos[self._site] - point) < _NEAR
        return bool(near and np.arccos(np.clip(ahead @ approach, -1, 1)) < _ALIGNED)

    def _full(self, positions: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
        full: NDArray[np.float64] = self.model.qpos0.copy()
        low = self.model.jnt_range[[self.model.joint(name).id for name in ARM_JOINTS]]
        full[self._joints] = np.clip(positions, low[:, 0], low[:, 1])
        return full
