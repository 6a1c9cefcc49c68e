# SPDX-License-Identifier: Apache-2.0
"""Motions of the tip of an arm: free ones, guarded ones, and those that a held part guides."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.transform import RigidTransform
from afformer_core.manipulation.arm import Arm, ArmReading
from afformer_core.manipulation.contact import BlockedError, UnreachableError
from afformer_core.manipulation.contact_guard import ContactGuard, ForceGuard, TipForce
from afformer_core.manipulation.joint_motion import JointLimits, JointMotion, joint_motion
from afformer_core.manipulation.kinematics import TipKinematics

# Minimum seconds in which a motion of the tip reaches its speed, because the efforts of the joints
# include those that accelerate the arm.
_RAMP = 0.4
# Metres between the points of a straight line, and of a step along which a held part is guided.
_SPACING, _STEP = 0.005, 0.01
# Metres by which a guarded motion may end before its target without being stopped.
_SHORT = 0.004
# Share of a step below which a held part has stopped.
_STOPPED = 0.35
# Weight of the newest displacement in the direction of a guided part, such as a door.
_GUIDANCE = 0.5
# Radians of a step in which a held part turns, and radians per second.
_TURN_STEP, _TURN_SPEED = 0.15, 1.0
# Maximum error of the tip in free motion, metres; attempts, because a busy computer may lose a
# trajectory, and seconds for a late one.
_STRAY, _ATTEMPTS, _LATENESS = 0.02, 3, 0.25
# Positions on a free motion at which the speed of its tip is checked.
_SAMPLES = 20


@dataclass(frozen=True)
class MotionSettings:
    """Limits of the motion of a tip.

    Attributes:
        limits: limits of the joints.
        tip_speed: maximum speed of the tip in free motion, metres per second.
        contact_speed: speed of the tip where it may touch something, metres per second.
        contact_force: newtons by which a part stops the tip, where forces are measured.
        maximum_force: newtons that the tip must not exceed, where forces are measured.

    Raises:
        ValueError: a number is not positive, or the contact force exceeds the maximum.
    """

    limits: JointLimits
    tip_speed: float = 0.25
    contact_speed: float = 0.03
    contact_force: float = 10.0
    maximum_force: float = 60.0

    def __post_init__(self) -> None:
        for name in ('tip_speed', 'contact_speed', 'contact_force', 'maximum_force'):
            if not getattr(self, name) > 0:
                raise ValueError(f'{name} is {getattr(self, name)}; expected more than 0')
        if self.contact_force > self.maximum_force:
            raise ValueError(
                f'contact_force is {self.contact_force:g} N; expected at most maximum_force, '
                f'{self.maximum_force:g} N'
            )


@dataclass(frozen=True)
class Travel:
    """A straight or guided motion of the tip.

    Attributes:
        length: metres that the tip moved.
        stopped: whether something stopped it; the end of the arm's reach does not count.
        force: largest force at the tip in newtons; NaN if nothing measures it.
    """

    length: float
    stopped: bool
    force: float = math.nan


class TipMotion:
    """Motions of the tip of one arm.

    Args:
        arm: the arm.
        kinematics: its kinematics.
        settings: limits of the motions.
    """

    def __init__(self, arm: Arm, kinematics: TipKinematics, settings: MotionSettings) -> None:
        self._arm = arm
        self._kinematics = kinematics
        self._settings = settings
        # Reading before the tip could touch anything.
        self._untouched: ArmReading | None = None

    def pose(self) -> RigidTransform:
        """Measure the pose of the tip."""
        return self._kinematics.tip(self._arm.reading().positions)

    def go(self, joints: NDArray[np.float64]) -> None:
        """Move freely to joint positions [N], radians, in a straight line of joint space.

        Raises:
            BlockedError: the arm does not arrive, or meets something.
        """
        target = self._kinematics.tip(joints).translation
        stray, met = math.inf, False
        # A late trajectory is still in progress, and a lost one is sent again.
        for _ in range(_ATTEMPTS):
            begin = self._untouched = self._arm.reading()
            motion = self._free([begin.positions, joints])
            met = not self._arm.follow(motion, self._guard(begin))
            stray = float(np.linalg.norm(self.pose().translation - target))
            if met or stray <= _STRAY:
                break
            self._arm.wait(_LATENESS)
        if met or stray > _STRAY:
            raise BlockedError(
                f'the arm stopped {stray * 100:.0f} cm before {target.round(3).tolist()}, where '
                'it should move freely. Check that nothing blocks it, and that its controller '
                'accepts trajectories'
            )

    def advance(self, direction: NDArray[np.float64], length: float) -> Travel:
        """Move straight until the end of a length in metres, or until the tip is stopped."""
        settings = self._settings
        begin = self._untouched = self._arm.reading()
        path, reach = self._line(begin, direction, length)
        if not reach:
            return Travel(0.0, stopped=False)
        guard = ContactGuard(
            self._kinematics,
            begin,
            direction,
            reach,
            settings.contact_speed,
            settings.contact_force,
            settings.maximum_force,
        )
        motion = joint_motion(path, settings.limits, settings.contact_speed / reach, _RAMP)
        ended = self._arm.follow(motion, guard)
        first = self._kinematics.tip(begin.positions).translation
        gone = float((self.pose().translation - first) @ direction)
        return Travel(gone, not ended or gone < reach - _SHORT, guard.force)

    def retreat(self, direction: NDArray[np.float64], length: float) -> None:
        """Move freely and straight for a length in metres, or to the end of the reach."""
        begin = self._arm.reading()
        path, reach = self._line(begin, direction, length)
        if reach:
            self._arm.follow(self._free(path), self._guard(begin))

    def press(self, direction: NDArray[np.float64], length: float) -> None:
        """Command a stopped tip further, by a length in metres, and hold it there."""
        begin = self._arm.reading()
        path, reach = self._line(begin, direction, length)
        if reach:
            rate = self._settings.contact_speed / reach
            motion = joint_motion(path, self._settings.limits, rate, _RAMP)
            self._arm.follow(motion, self._guard(begin))

    def guide(
        self, direction: NDArray[np.float64], length: float, lead: float = 0.0, share: float = 0.5
    ) -> Travel:
        """Move a held part for a length in metres, whose mechanism determines the direction.

        Args:
            direction: float64 [3], of length 1, in which the motion begins.
            length: metres.
            lead: metres by which the command leads the tip; an arm that gives way turns it into
                force.
            share: share of the maximum force that may be used.
        """
        rotation, begin = self.pose().rotation, self.pose().translation
        at, gone, force = begin, 0.0, math.nan
        while length - gone > _SHORT:
            step = min(_STEP, length - gone)
            target = RigidTransform(rotation, at + (step + lead) * direction)
            reached, felt = self._step(target, self._settings.contact_speed / (step + lead), share)
            force = float(np.fmax(force, felt))
            if not reached:
                # The end of the arm's reach does not count as a stop.
                return Travel(float(np.linalg.norm(at - begin)), stopped=False, force=force)
            way = self.pose().translation - at
            gone += float(way @ direction)
            at = at + way
            if way @ direction < _STOPPED * step:
                return Travel(float(np.linalg.norm(at - begin)), stopped=True, force=force)
            direction = direction + _GUIDANCE * way / np.linalg.norm(way)
            direction /= np.linalg.norm(direction)
        return Travel(float(np.linalg.norm(at - begin)), stopped=False, force=force)

    def turn(self, axis: NDArray[np.float64], angle: float) -> float:
        """Turn the tip about an axis [3] through it, until it is stopped; return the radians."""
        first, turned = self.pose().rotation, 0.0
        while turned < angle:
            pose = self.pose()
            step = cv2.Rodrigues(axis * _TURN_STEP)[0]
            target = RigidTransform(step @ pose.rotation, pose.translation)
            if not self._step(target, _TURN_SPEED / _TURN_STEP, 1.0)[0]:
                return turned
            vector = cv2.Rodrigues(self.pose().rotation @ first.T)[0][:, 0]
            now = float(vector @ axis)
            if now - turned < _STOPPED * _TURN_STEP:
                return now
            turned = now
        return turned

    def _step(self, target: RigidTransform, rate: float, share: float) -> tuple[bool, float]:
        """Move the tip to a near pose; return whether it is in reach, and the largest force."""
        begin = self._arm.reading()
        try:
            joints = self._kinematics.step(target, begin.positions)
        except UnreachableError:
            return False, math.nan
        guard = self._guard(begin, share)
        motion = joint_motion([begin.positions, joints], self._settings.limits, rate)
        self._arm.follow(motion, guard)
        return True, guard.largest

    def _guard(self, begin: ArmReading, share: float = 1.0) -> ForceGuard:
        force = TipForce(self._kinematics, self._untouched or begin)
        return ForceGuard(force, share * self._settings.maximum_force)

    def _line(
        self, begin: ArmReading, direction: NDArray[np.float64], length: float
    ) -> tuple[list[NDArray[np.float64]], float]:
        """Compute joint positions along a line as far as the arm reaches; return the length."""
        count = max(1, math.ceil(length / _SPACING))
        path, pose = [begin.positions], self._kinematics.tip(begin.positions)
        for number in range(1, count + 1):
            point = pose.translation + number / count * length * direction
            try:
                path.append(self._kinematics.step(RigidTransform(pose.rotation, point), path[-1]))
            except UnreachableError:
                break
        return path, (len(path) - 1) / count * length

    def _free(self, path: list[NDArray[np.float64]]) -> JointMotion:
        """Parametrize a path by the limit of the speed of the tip in free motion."""
        shares = np.linspace(0, len(path) - 1, _SAMPLES)
        joints = np.array(path).T
        knots = np.arange(len(path))
        tips = np.array(
            [
                self._kinematics.tip(
                    np.array([np.interp(share, knots, joint) for joint in joints])
                ).translation
                for share in shares
            ]
        )
        longest = float(np.linalg.norm(np.diff(tips, axis=0), axis=1).max()) * (_SAMPLES - 1)
        rate = self._settings.tip_speed / max(longest, 1e-9)
        return joint_motion(path, self._settings.limits, rate, _RAMP)
