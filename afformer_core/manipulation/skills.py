# SPDX-License-Identifier: Apache-2.0
"""Actions of an arm at a point: approach, action, and retreat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.actions import ACTIONS
from afformer_core.geometry.transform import RigidTransform
from afformer_core.manipulation.contact import ArmContact, BlockedError, Felt, UnreachableError
from afformer_core.manipulation.kinematics import TipKinematics

# A shift of positions in metres, [3], or None.
Correct = Callable[[], NDArray[np.float64] | None]

_UP = np.array([0.0, 0.0, 1.0])
_OPEN, _CLOSED = 0.04, 0.0
# Metres before the point at which the arm stops to see where it is, and at which slow motion
# starts, more than the error of a camera's pose; and behind the point, at which the arm gives up.
_SEEN, _NEAR, _BEHIND = 0.045, 0.025, 0.03
# Guarded motion: step in metres with and without an object in the gripper, share of a step below
# which it counts as stopped, seconds of delay, and number of attempts, because a busy computer may
# lose a trajectory.
_STEP, _FINE, _STOPPED, _LATENESS, _ATTEMPTS = 0.006, 0.003, 0.35, 0.25, 2
# Metres per second, freely and guarded; radians per second of a part.
_FAST, _SLOW, _TURN_SPEED = 0.25, 0.06, 1.0
# Metres by which a part is pushed, pulled or lifted, and below which it did not move.
_STROKE, _LIFT, _FREE = 0.12, 0.1, 0.02
# Radians: rotation of a part, range that the wrist must have because the axis may deviate from the
# normal, step, and minimum rotation.
_TURN, _TURN_ROOM, _TURN_STEP, _LEAST_TURN = 1.2, 1.4, 0.15, 0.15
# Shares of the horizontal direction away from the base in the direction of the tool.
_TILTS = (0.0, 0.35, 0.6)
# Maximum error of the tip in free motion, metres, and number of attempts.
_STRAY, _FREE_ATTEMPTS = 0.02, 3
# Weight of the newest displacement in the direction of a guided part, such as a door.
_GUIDANCE = 0.5


@dataclass(frozen=True)
class _Travel:
    """A guarded motion: metres along its direction, and whether it was stopped."""

    length: float
    stopped: bool

    @property
    def resisted(self) -> bool:
        """Whether something held the tip from the beginning."""
        return self.stopped and self.length < _FREE


@dataclass(frozen=True)
class _Carried:
    """A motion of the held part, in words; whether it moved, and whether it resisted."""

    text: str
    moved: bool
    resisted: bool


class Skills:
    """Actions of one arm.

    Args:
        arm: the arm.
        kinematics: its kinematics; the tip's z axis points out of the tool.
        distance: distance before the point at which the arm stops first, metres.
    """

    def __init__(self, arm: Any, kinematics: TipKinematics, distance: float) -> None:
        self._arm = arm
        self._kinematics = kinematics
        self._distance = distance

    def act(self, contact: ArmContact, correct: Correct | None = None) -> Felt:
        """Carry out an action; return what the arm felt.

        Args:
            contact: where and how to act.
            correct: called when the arm rests shortly before the point; it returns a shift of the
                point, or None.

        Raises:
            UnreachableError: the arm cannot reach the point; it has not moved.
            BlockedError: the arm was stopped on its way to the point; it stays there.
            ArmError: the arm does not answer.
        """
        contact = self._go_before(contact, correct)
        reach = _STROKE if contact.action == 'push' else _BEHIND
        travel = self._advance(-contact.outwards, _NEAR + reach)
        text = 'touched' if travel.stopped else 'nothing stopped the tip'
        felt = Felt(text, travel.stopped, travel.stopped)
        if ACTIONS[contact.action].dwell:
            self._arm.wait(ACTIONS[contact.action].dwell)
        elif contact.action == 'push':
            length = travel.length
            if travel.stopped and contact.lead:
                length += self._advance(-contact.outwards, reach, lead=contact.lead).length
            if travel.stopped and length < _NEAR + _FREE:
                self._push_aside(contact)
            text = f'{felt}, pushed {self._distance_from(contact.point)}'
            felt = replace(felt, text=text)
        else:
            if travel.stopped and contact.pressing:
                self._press(contact)
            self._arm.grip(_CLOSED)
            carried = self._carry_out(contact)
            felt = Felt(
                f'{felt}, {carried.text}',
                felt.done and carried.moved,
                felt.in_contact or carried.resisted,
            )
        if contact.action != 'pick up':
            self._arm.grip(_OPEN)
            self._advance(contact.outwards, self._distance)
        return felt

    def retreat(self) -> None:
        """Open the gripper and move back along the tool, after an action that was interrupted.

        Raises:
            ArmError: the arm does not answer.
        """
        self._arm.grip(_OPEN)
        self._advance(-self._tip().rotation[:, 2], self._distance)

    def _press(self, contact: ArmContact) -> None:
        """Command the stopped tip further into the part."""
        tip = self._tip()
        into = RigidTransform(tip.rotation, tip.translation - contact.pressing * contact.outwards)
        self._move(into, contact.pressing / _SLOW)

    def _push_aside(self, contact: ArmContact) -> None:
        """Push what does not move along the normal away from the base: held, then by friction."""
        away = -_towards_base(contact)
        self._arm.grip(_CLOSED)
        if self._advance(away, _STROKE, guided=True, lead=contact.lead).length < _FREE:
            self._arm.grip(_OPEN)
            self._advance(away, _STROKE, guided=True, lead=contact.lead)

    def _carry_out(self, contact: ArmContact) -> _Carried:
        """Move the held part."""
        if contact.action == 'rotate':
            turned = self._turn(contact)
            text = f'turned {np.degrees(turned):.0f} degrees'
            return _Carried(text, turned >= _LEAST_TURN, resisted=False)
        begin = self._tip().translation
        if contact.action == 'pull':
            outwards, lead = contact.outwards, contact.lead
            travel = self._advance(outwards, _STROKE, guided=True, lead=lead)
            if travel.length < _FREE:
                self._advance(_towards_base(contact), _STROKE, guided=True, lead=lead)
            word = 'pulled'
        else:
            travel = self._advance(_UP, _LIFT, guided=True)
            word = 'lifted'
        text, moved = f'{word} {self._distance_from(begin)}', self._away_from(begin) >= _FREE
        if contact.action == 'put down':
            self._advance(-_UP, _LIFT, guided=True)
        return _Carried(text, moved, travel.resisted)

    def _away_from(self, begin: NDArray[np.float64]) -> float:
        return float(np.linalg.norm(self._tip().translation - begin))

    def _distance_from(self, begin: NDArray[np.float64]) -> str:
        return f'{self._away_from(begin) * 100:.0f} cm'

    def _go_before(self, contact: ArmContact, correct: Correct | None) -> ArmContact:
        """Move before the point, and then straight to near it; return the corrected contact."""
        stops = [_SEEN] if correct is not None and self._distance > _SEEN else []
        behind = [_NEAR, -_BEHIND]
        path = self._approach_along(
            contact, [self._distance, *stops, *behind], self._arm.positions()
        )
        near = path[-2]
        self._arm.grip(_OPEN)
        self._go_freely(path[0], 1.0)
        if correct is not None:
            if stops:
                self._go_freely(path[1], (self._distance - _SEEN) / _FAST)
            shift = correct()
            if shift is not None:
                corrected = replace(contact, point=contact.point + shift)
                start = self._arm.positions()
                try:
                    near = self._approach_along(corrected, behind, start)[0]
                    contact = corrected
                except UnreachableError:
                    # The point that was found is in reach.
                    pass
        self._go_freely(near, (self._distance - _NEAR) / _FAST)
        return contact

    def _approach_along(
        self, contact: ArmContact, away: Sequence[float], start: NDArray[np.float64]
    ) -> list[NDArray[np.float64]]:
        """Compute joint positions at distances before a point, metres; negative: behind it."""
        points = [contact.point + distance * contact.outwards for distance in away]
        turn = 0.0
        if contact.action == 'rotate':
            # The tool's z axis points against the normal.
            turn = (
                _TURN_ROOM
                if contact.motion is None
                else -_TURN_ROOM * float(np.sign(contact.motion @ contact.normal))
            )
        return self._approach(points, contact, start, turn)

    def _go_freely(self, joints: NDArray[np.float64], seconds: float) -> None:
        """Move to joint positions, and check that the arm has arrived."""
        target = self._kinematics.tip(joints).translation
        stray = np.inf
        # A late trajectory is still in progress, and a lost one is sent again.
        for _ in range(_FREE_ATTEMPTS):
            self._arm.follow([joints], seconds)
            stray = self._away_from(target)
            if stray <= _STRAY:
                return
            self._arm.wait(_LATENESS)
        raise BlockedError(
            f'the arm stopped {stray * 100:.0f} cm before {target.round(3).tolist()}, where it '
            'should move freely. Check that nothing blocks it, and that its controller accepts '
            'trajectories'
        )

    def _approach(
        self,
        points: list[NDArray[np.float64]],
        contact: ArmContact,
        start: NDArray[np.float64],
        turn: float,
    ) -> list[NDArray[np.float64]]:
        """Compute joint positions at points, with the tool into the surface, or tilted."""
        for tilt in _TILTS:
            direction = -(1 - tilt) * contact.outwards - tilt * _towards_base(contact)
            try:
                return self._kinematics.approach(points, direction, start, turn)
            except UnreachableError:
                if tilt == _TILTS[-1]:
                    raise
        raise AssertionError('there is a last tilt')

    def _advance(
        self,
        direction: NDArray[np.float64],
        length: float,
        *,
        guided: bool = False,
        lead: float = 0.0,
    ) -> _Travel:
        """Move straight until the end of the length, or until the tip is stopped.

        Args:
            direction: float64 [3], of length 1.
            length: metres.
            guided: True if the held part determines the direction, like a door.
            lead: metres by which the command leads the tip; see `ArmContact`.
        """
        rotation = self._tip().rotation
        begin = at = self._tip().translation
        gone = 0.0
        # A step below the accuracy of the kinematics could not be distinguished from a stop.
        while length - gone > _FINE / 2:
            step = min(_STEP if guided else _FINE, length - gone)
            # A guided part may leave the line; otherwise the motion stays on it.
            origin = at if guided else begin + gone * direction
            target = RigidTransform(rotation, origin + (step + lead) * direction)
            way = self._step(target, at, direction, step, lead)
            if way is None:
                # The end of the arm's reach does not count as contact.
                return _Travel(float(np.linalg.norm(at - begin)), False)
            stopped = way @ direction < _STOPPED * step
            gone += float(way @ direction)
            at = at + way
            if stopped:
                return _Travel(float(np.linalg.norm(at - begin)), True)
            if guided:
                direction = direction + _GUIDANCE * way / np.linalg.norm(way)
                direction /= np.linalg.norm(direction)
        return _Travel(float(np.linalg.norm(at - begin)), False)

    def _step(
        self,
        target: RigidTransform,
        at: NDArray[np.float64],
        direction: NDArray[np.float64],
        length: float,
        lead: float,
    ) -> NDArray[np.float64] | None:
        """Move one step; return the displacement, [3], or None if the end is out of reach."""
        way = np.zeros(3)
        for _ in range(_ATTEMPTS):
            if not self._move(target, (length + lead) / _SLOW):
                return None
            way = self._tip().translation - at
            if way @ direction < _STOPPED * length:
                # The trajectory may have reached its controller late.
                self._arm.wait(_LATENESS)
                way = self._tip().translation - at
            if way @ direction >= _STOPPED * length:
                break
        return way

    def _turn(self, contact: ArmContact) -> float:
        """Turn the held part about the tip; return the angle in radians.

        If the direction is not known and the first one is blocked, the other one is tried.
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
        """Move the tip to a pose; return False if the arm cannot reach it."""
        try:
            joints = self._kinematics.step(target, self._arm.positions())
        except UnreachableError:
            return False
        self._arm.follow([joints], seconds)
        return True

    def _tip(self) -> RigidTransform:
        return self._kinematics.tip(self._arm.positions())


def _towards_base(contact: ArmContact) -> NDArray[np.float64]:
    """Return the horizontal direction, [3], from the point to the arm's base."""
    level = -contact.point * [1.0, 1.0, 0.0]
    return np.asarray(level / max(float(np.linalg.norm(level)), 1e-9))
