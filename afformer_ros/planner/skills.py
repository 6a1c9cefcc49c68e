# SPDX-License-Identifier: Apache-2.0
"""Actions of an arm at a point: it goes there, acts, and goes back."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.transform import RigidTransform
from afformer_ros.planner.arm_client import ArmClient
from afformer_ros.planner.contact import Contact, UnreachableError
from afformer_ros.planner.kinematics import TipKinematics

_UP = np.array([0.0, 0.0, 1.0])
_OPEN, _CLOSED = 0.04, 0.0
# Metres before the point from which the arm goes slowly, and behind it, where it gives up.
_NEAR, _BEHIND = 0.015, 0.03
# Metres that a guarded motion goes at a time, with and without something in the gripper, the share
# of it below which it is stopped, and seconds that it may be late.
_STEP, _FINE, _STOPPED, _LATENESS = 0.006, 0.003, 0.35, 0.25
# Metres per second, freely and guarded; radians per second of a part.
_FAST, _SLOW, _TURN_SPEED = 0.25, 0.06, 1.0
# Metres that a part is pushed, pulled or lifted, and below which it did not move.
_STROKE, _LIFT, _FREE = 0.12, 0.1, 0.02
# Radians that a part is turned, and of each step of it.
_TURN, _TURN_STEP = 1.2, 0.15
_DWELL = {'touch': 0.1, 'hold': 0.8}
# Shares of the horizontal direction away from the base in that of the tool.
_TILTS = (0.0, 0.35, 0.6)
# Share of the newest way in the direction of a part that something else guides, as a door.
_GUIDANCE = 0.5


@dataclass(frozen=True)
class _Travel:
    """A guarded motion: metres along its direction, and whether something stopped it."""

    length: float
    stopped: bool


class Skills:
    """Actions of one arm.

    Args:
        arm: the arm.
        kinematics: its kinematics; the tip's z axis points out of the tool.
        distance: metres before the point at which the arm stops first.
    """

    def __init__(self, arm: ArmClient, kinematics: TipKinematics, distance: float) -> None:
        self._arm = arm
        self._kinematics = kinematics
        self._distance = distance

    def act(self, contact: Contact) -> str:
        """Repeat an action; return in words what was felt.

        Raises:
            UnreachableError: the arm does not reach the point; it has not touched anything.
            ArmError: the arm does not answer.
        """
        self._go_before(contact)
        reach = _STROKE if contact.action == 'push' else _BEHIND
        travel = self._advance(-contact.normal, _NEAR + reach)
        felt = ['touched' if travel.stopped else 'nothing stopped the tip']
        if contact.action in _DWELL:
            self._arm.wait(_DWELL[contact.action])
        elif contact.action == 'push':
            if travel.stopped and travel.length < _NEAR + _FREE:
                self._push_aside(contact)
            felt.append(f'pushed {self._distance_from(contact.point)}')
        else:
            self._arm.grip(_CLOSED)
            felt.append(self._carry_out(contact))
        if contact.action != 'pick up':
            self._arm.grip(_OPEN)
            self._advance(contact.normal, self._distance)
        return ', '.join(felt)

    def _push_aside(self, contact: Contact) -> None:
        """Push what does not move along the normal away from the base: held, then by friction."""
        away = -_towards_base(contact)
        self._arm.grip(_CLOSED)
        if self._advance(away, _STROKE, guided=True).length < _FREE:
            self._arm.grip(_OPEN)
            self._advance(away, _STROKE, guided=True)

    def _carry_out(self, contact: Contact) -> str:
        """Move what the gripper holds; return in words how far."""
        if contact.action == 'rotate':
            return f'turned {np.degrees(self._turn(contact)):.0f} degrees'
        begin = self._tip().translation
        if contact.action == 'pull':
            if self._advance(contact.normal, _STROKE, guided=True).length < _FREE:
                self._advance(_towards_base(contact), _STROKE, guided=True)
            return f'pulled {self._distance_from(begin)}'
        self._advance(_UP, _LIFT, guided=True)
        felt = f'lifted {self._distance_from(begin)}'
        if contact.action == 'put down':
            self._advance(-_UP, _LIFT, guided=True)
        return felt

    def _distance_from(self, begin: NDArray[np.float64]) -> str:
        return f'{np.linalg.norm(self._tip().translation - begin) * 100:.0f} cm'

    def _go_before(self, contact: Contact) -> None:
        """Go to a distance before the point, and straight to near it."""
        start = self._arm.positions()
        away = (self._distance, _NEAR, -_BEHIND)
        points = [contact.point + one * contact.normal for one in away]
        turn = 0.0
        if contact.action == 'rotate':
            # The tool's z axis points against the normal.
            turn = (
                _TURN
                if contact.motion is None
                else -_TURN * float(np.sign(contact.motion @ contact.normal))
            )
        before, near, _ = self._approach(points, contact, start, turn)
        self._arm.grip(_OPEN)
        self._arm.follow([before], 1.0)
        self._arm.follow([near], (self._distance - _NEAR) / _FAST)

    def _approach(
        self,
        points: list[NDArray[np.float64]],
        contact: Contact,
        start: NDArray[np.float64],
        turn: float,
    ) -> list[NDArray[np.float64]]:
        """Compute joint positions at points, with the tool against the normal or tilted off it."""
        for tilt in _TILTS:
            direction = -(1 - tilt) * contact.normal - tilt * _towards_base(contact)
            try:
                return self._kinematics.approach(points, direction, start, turn)
            except UnreachableError:
                if tilt == _TILTS[-1]:
                    raise
        raise AssertionError('there is a last tilt')

    def _advance(
        self, direction: NDArray[np.float64], length: float, guided: bool = False
    ) -> _Travel:
        """Go straight until the length is gone or something stops the tip.

        Args:
            direction: float64 [3], of length 1.
            length: metres.
            guided: True where the part that is held decides the direction, as a door does.
        """
        rotation = self._tip().rotation
        begin = at = self._tip().translation
        gone = 0.0
        while gone < length:
            step = min(_STEP if guided else _FINE, length - gone)
            # What is guided may leave the line, what is not is kept on it.
            origin = at if guided else begin + gone * direction
            if not self._move(RigidTransform(rotation, origin + step * direction), step / _SLOW):
                return _Travel(float(np.linalg.norm(at - begin)), True)
            way = self._tip().translation - at
            if way @ direction < _STOPPED * step:
                # The trajectory may have reached its controller late.
                self._arm.wait(_LATENESS)
                way = self._tip().translation - at
            stopped = way @ direction < _STOPPED * step
            gone += float(way @ direction)
            at = at + way
            if stopped:
                return _Travel(float(np.linalg.norm(at - begin)), True)
            if guided:
                direction = direction + _GUIDANCE * way / np.linalg.norm(way)
                direction /= np.linalg.norm(direction)
        return _Travel(float(np.linalg.norm(at - begin)), False)

    def _turn(self, contact: Contact) -> float:
        """Turn what is held about the tip; return the angle in radians.

        Where the sense is not known and something stops the first one, the other one is tried.
        """
        axis = -contact.normal if contact.motion is None else contact.motion
        turned = self._turn_about(axis)
        if contact.motion is None and turned < _TURN / 3:
            turned = self._turn_about(-axis)
        return turned

    def _turn_about(self, axis: NDArray[np.float64]) -> float:
        first = self._tip().rotation
        turned = 0.0
        while turned < _TURN:
            pose = self._tip()
            step = cv2.Rodrigues(axis * _TURN_STEP)[0]
            target = RigidTransform(step @ pose.rotation, pose.translation)
            if not self._move(target, _TURN_STEP / _TURN_SPEED):
                return turned
            vector = cv2.Rodrigues(self._tip().rotation @ first.T)[0][:, 0]
            now = float(vector @ axis)
            if now - turned < _STOPPED * _TURN_STEP:
                return now
            turned = now
        return turned

    def _move(self, target: RigidTransform, seconds: float) -> bool:
        """Bring the tip to a pose; return False where the arm does not reach it."""
        try:
            joints = self._kinematics.joints(target, self._arm.positions())
        except UnreachableError:
            return False
        self._arm.follow([joints], seconds)
        return True

    def _tip(self) -> RigidTransform:
        return self._kinematics.tip(self._arm.positions())


def _towards_base(contact: Contact) -> NDArray[np.float64]:
    """Return the horizontal direction, [3], from the point to the arm's base."""
    level = -contact.point * [1.0, 1.0, 0.0]
    return np.asarray(level / max(float(np.linalg.norm(level)), 1e-9))
