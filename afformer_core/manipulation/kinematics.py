# SPDX-License-Identifier: Apache-2.0
"""The kinematics of the tip of an arm, with mink."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from copy import copy

import mink
import mujoco
import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import AfformerError
from afformer_core.geometry.transform import RigidTransform
from afformer_core.manipulation.contact import UnreachableError

_SOLVER = 'daqp'
_STEPS = 60
# Maximum error of a solution, metres and radians.
_TOLERANCE = 1e-3
# Maximum rotation of a joint, in radians, between neighbouring poses of a path, and in a step of
# the tip of a few millimetres or degrees.
_LARGEST_JUMP, _LARGEST_STEP = 1.2, 0.5
_ROLLS = 12
# Radians before the limits of joints, which a driver would refuse to exceed: a motion from where
# the arm was commanded to be deviates from its path by less.
_LIMIT_ROOM = 1.6e-3
# Radians by which the fingers may close beside a given direction.
_ROLL_ROOM = 0.26


class TipKinematics:
    """Forward and inverse kinematics of the tip of an arm, in the frame of its model.

    Args:
        model: MuJoCo model of the arm.
        joints: names of the arm's joints in it, in the order of all joint positions here; its
            other joints are fixed.
        tip: name of the site at the tip; its z axis points out of the tool.

    Raises:
        AfformerError: the model has no such joint or site.
    """

    def __init__(self, model: mujoco.MjModel, joints: Sequence[str], tip: str) -> None:
        try:
            self._columns = np.array([int(model.joint(name).qposadr[0]) for name in joints])
            self._velocities = [int(model.joint(name).dofadr[0]) for name in joints]
            model.site(tip)
        except KeyError as error:
            raise AfformerError(
                f'the model of the arm lacks a joint or a site: {error}'
            ) from error
        model = copy(model)
        model.jnt_range[[model.joint(name).id for name in joints]] += [_LIMIT_ROOM, -_LIMIT_ROOM]
        ranges = _joint_range(model)
        self._range = ranges[:, self._columns]
        # A rest position may be beyond the limits.
        self._configuration = mink.Configuration(model, model.qpos0.clip(*ranges))
        self._tip = tip
        self._task = mink.FrameTask(tip, 'site', 1.0, 1.0, lm_damping=1e-3)
        others = [column for column in range(model.nv) if column not in self._velocities]
        self._frozen = [mink.DofFreezingTask(model, others)] if others else []
        self._limits = [mink.ConfigurationLimit(model)]

    def tip(self, joints: NDArray[np.float64]) -> RigidTransform:
        """Compute the pose of the tip for joint positions [N], radians."""
        self._set(joints)
        pose = self._configuration.get_transform_frame_to_world(self._tip, 'site')
        return RigidTransform(pose.rotation().as_matrix(), pose.translation())

    def jacobian(self, joints: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute the velocity of the tip in its own frame by those of the joints, [6, N].

        The first three rows are metres per radian, the others radians per radian.
        """
        self._set(joints)
        jacobian = self._configuration.get_frame_jacobian(self._tip, 'site')
        return np.asarray(jacobian[:, self._velocities])

    def joints(self, pose: RigidTransform, start: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute the joint positions [N] of a pose of the tip, near those of a start.

        Raises:
            UnreachableError: there are none.
        """
        self._set(start)
        self._task.set_target(
            mink.SE3.from_rotation_and_translation(
                mink.SO3.from_matrix(pose.rotation), pose.translation
            )
        )
        for _ in range(_STEPS):
            try:
                velocity = mink.solve_ik(
                    self._configuration,
                    [self._task],
                    1.0,
                    _SOLVER,
                    damping=1e-6,
                    limits=self._limits,
                    constraints=self._frozen,
                )
            except mink.NoSolutionFound:
                break
            self._configuration.integrate_inplace(velocity, 1.0)
            if np.abs(self._task.compute_error(self._configuration)).max() < _TOLERANCE:
                # An arm that is a little beyond a limit must not be sent there.
                return np.asarray(self._configuration.q[self._columns].clip(*self._range))
        raise UnreachableError(f'the arm does not reach {pose.translation.round(3).tolist()}')

    def step(
        self, pose: RigidTransform, start: NDArray[np.float64], largest: float = _LARGEST_STEP
    ) -> NDArray[np.float64]:
        """Compute the joint positions [N] of a pose of the tip close to that of a start.

        Raises:
            UnreachableError: there are none, or a joint would jump there, by more than radians.
        """
        joints = self.joints(pose, start)
        if np.abs(joints - start).max() > largest:
            raise UnreachableError(
                f'the joints would jump before {pose.translation.round(3).tolist()}'
            )
        return joints

    def path(
        self, poses: Sequence[RigidTransform], start: NDArray[np.float64]
    ) -> list[NDArray[np.float64]]:
        """Compute the joint positions of each pose of a path, with any motion to the first pose.

        Raises:
            UnreachableError: a pose is out of reach, or the joints would jump on the way.
        """
        found: list[NDArray[np.float64]] = []
        for pose in poses:
            found.append(
                self.step(pose, found[-1], _LARGEST_JUMP) if found else self.joints(pose, start)
            )
        return found

    def approaches(
        self,
        points: Sequence[NDArray[np.float64]],
        direction: NDArray[np.float64],
        start: NDArray[np.float64],
        *,
        closing: NDArray[np.float64] | None = None,
        turn: float = 0.0,
    ) -> Iterator[list[NDArray[np.float64]]]:
        """Yield the paths through points, each [3] metres, with the tool along a direction.

        They differ in the roll of the tool about the direction, and each is computed when it is
        asked for. On each, the tool can still turn about the direction by an angle at the last
        point.

        Args:
            points: at least one.
            direction: float64 [3], along z of the tip.
            start: joint positions [N] from which the arm comes.
            closing: float64 [3], along y of the tip but for its sense and 15 degrees; None: any.
            turn: angle in radians.
        """
        for roll in _rolls(direction, closing):
            rotations = [tool_rotation(direction, roll)] * len(points)
            rotations.append(tool_rotation(direction, roll + turn))
            poses = [
                RigidTransform(rotation, point)
                for rotation, point in zip(rotations, [*points, points[-1]], strict=True)
            ]
            with suppress(UnreachableError):
                yield self.path(poses, start)[:-1]

    def _set(self, joints: NDArray[np.float64]) -> None:
        positions = np.array(self._configuration.q)
        positions[self._columns] = joints
        self._configuration.update(positions)


def _joint_range(model: mujoco.MjModel) -> NDArray[np.float64]:
    """Return the lowest and highest positions of a model, [2, nq]; infinite without limits."""
    limits = np.array([[-np.inf], [np.inf]]).repeat(model.nq, axis=1)
    limited = np.flatnonzero(model.jnt_limited)
    limits[:, model.jnt_qposadr[limited]] = model.jnt_range[limited].T
    return limits


def _rolls(direction: NDArray[np.float64], closing: NDArray[np.float64] | None) -> list[float]:
    """Return the rolls of `tool_rotation` to try, radians."""
    if closing is None:
        return [number * 2 * np.pi / _ROLLS for number in range(_ROLLS)]
    first, second, _ = tool_rotation(direction, 0.0).T
    # y is turned from the second axis towards the opposite of the first one.
    roll = float(np.arctan2(-closing @ first, closing @ second))
    return [
        roll + half + beside for half in (0.0, np.pi) for beside in (0.0, _ROLL_ROOM, -_ROLL_ROOM)
    ]


def tool_rotation(direction: NDArray[np.float64], roll: float) -> NDArray[np.float64]:
    """Compute a rotation [3, 3] with z along a direction, turned about it by radians."""
    along = direction / np.linalg.norm(direction)
    across = np.cross([0.0, 0.0, 1.0] if abs(along[2]) < 0.9 else [1.0, 0.0, 0.0], along)
    across /= np.linalg.norm(across)
    third = np.cross(along, across)
    first = np.cos(roll) * across + np.sin(roll) * third
    return np.stack([first, np.cross(along, first), along], axis=1)
