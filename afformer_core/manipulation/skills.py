# SPDX-License-Identifier: Apache-2.0
"""Actions of an arm at a point: approach, action, and retreat."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from afformer_core.actions import ACTIONS
from afformer_core.geometry.transform import RigidTransform
from afformer_core.manipulation.arm import Arm
from afformer_core.manipulation.clearance import ArmClearance
from afformer_core.manipulation.contact import ArmContact, BlockedError, Felt, UnreachableError
from afformer_core.manipulation.gripper import Gripper
from afformer_core.manipulation.joint_path import JointPath, free_path
from afformer_core.manipulation.kinematics import TipKinematics
from afformer_core.manipulation.tip_motion import MotionSettings, TipMotion, Travel

# A shift of positions in metres, [3], or None.
Correct = Callable[[], NDArray[np.float64] | None]

_UP = np.array([0.0, 0.0, 1.0])
# Metres before the point at which the arm stops to see where it is, and at which guarded motion
# starts, more than the error of a camera's pose; and behind the point, at which the arm gives up.
_SEEN, _NEAR, _BEHIND = 0.045, 0.025, 0.03
# Metres before the point within which an open gripper meets what is beside the part.
_BESIDE = 0.05
# Metres by which the command leads a tip that presses.
_PRESSING = 0.004
# Metres by which a part is pushed, pulled or lifted, and below which it did not move.
_STROKE, _LIFT, _FREE = 0.12, 0.1, 0.02
# Radians: rotation of a part, range that the wrist must have because the axis may deviate from the
# normal, and minimum rotation.
_TURN, _TURN_ROOM, _LEAST_TURN = 1.2, 1.4, 0.15
# Number of paths to a point to which a way is searched.
_SEARCHES = 3
# Shares of the horizontal direction away from the base in the direction of the tool.
_TILTS = (0.0, 0.35, 0.6)
# Share of the maximum force of a first attempt, and of one with more force.
_GENTLE, _FORCEFUL = 0.5, 1.0


class Skills:
    """Actions of one arm.

    Args:
        arm: the arm.
        kinematics: its kinematics; the tip's z axis points out of the tool, and its fingers close
            along y.
        settings: limits of its motions.
        gripper: range of its gripper.
        distance: distance before the point at which the arm stops first, metres.
        clearance: what the arm must not touch on its way there and back.
    """

    def __init__(
        self,
        arm: Arm,
        kinematics: TipKinematics,
        settings: MotionSettings,
        gripper: Gripper,
        distance: float,
        clearance: ArmClearance,
    ) -> None:
        self._arm = arm
        self._clearance = clearance
        self._kinematics = kinematics
        self._gripper = gripper
        self._distance = distance
        self._tip = TipMotion(arm, kinematics, settings)

    def act(self, contact: ArmContact, correct: Correct | None = None) -> Felt:
        """Carry out an action; return what the arm felt.

        After `pick up`, the gripper keeps what it holds.

        Args:
            contact: where and how to act.
            correct: called when the arm rests shortly before the point; it returns a shift of the
                point, or None.

        Raises:
            UnreachableError: the arm cannot reach the point; it has not moved.
            BlockedError: the arm was stopped on its way to the point; it stays there.
        """
        holding = ACTIONS[contact.action].holding
        try:
            contact = self._go_before(contact, correct, opened=holding)
            felt = self._grasp(contact) if holding else self._press(contact)
        except BlockedError:
            left = self._away_from(contact.point)
            if not holding or left > _BESIDE:
                raise
            text = f'the open gripper met something {left * 100:.0f} cm before the point'
            felt = Felt(text, False, True, held=False, closing=self._tip.pose().rotation[:, 1])
        if not (contact.action == 'pick up' and felt.held):
            if holding:
                self.release()
            self._tip.retreat(contact.outwards, self._distance)
        return felt

    def retreat(self) -> None:
        """Open the gripper and move back along the tool, after an action that was interrupted."""
        self.release()
        self._tip.retreat(-self._tip.pose().rotation[:, 2], self._distance)

    def park(self, joints: NDArray[np.float64]) -> None:
        """Move freely to joint positions [N], radians.

        Raises:
            BlockedError: the arm does not arrive.
        """
        start = self._arm.reading().positions
        self._clearance.allow(start)
        for position in free_path(self._clearance, start, joints) or [joints]:
            self._tip.go(position)

    def holds(self) -> bool:
        """Check whether the closed gripper still holds something."""
        position = self._arm.grip(self._gripper.closed, self._gripper.effort)
        return self._gripper.holds(position)

    def release(self) -> None:
        """Open the gripper where the arm stands."""
        self._arm.grip(self._gripper.open, self._gripper.effort)

    def _press(self, contact: ArmContact) -> Felt:
        """Press or push the part with the closed gripper."""
        pushes = contact.action == 'push'
        travel = self._tip.advance(-contact.outwards, _NEAR + (_STROKE if pushes else _BEHIND))
        text = _contact_text(travel)
        if pushes:
            length = travel.length
            if travel.stopped and contact.lead:
                share = _FORCEFUL
                length += self._tip.guide(-contact.outwards, _STROKE, contact.lead, share).length
            if travel.stopped and length < _NEAR + _FREE:
                # By friction, along the surface.
                self._tip.guide(-_towards_base(contact), _STROKE, contact.lead)
            text = f'{text}, pushed {self._distance_from(contact.point)}'
        else:
            if travel.stopped:
                # A controller halts an arm where it is, which hardly presses any more.
                self._tip.press(-contact.outwards, _PRESSING)
            self._arm.wait(ACTIONS[contact.action].dwell)
        return Felt(text, travel.stopped, travel.stopped)

    def _grasp(self, contact: ArmContact) -> Felt:
        """Close the gripper around the part, and move it if it is held."""
        travel = self._tip.advance(-contact.outwards, _NEAR + contact.depth)
        closing = self._tip.pose().rotation[:, 1]
        if not self.holds():
            text = 'the gripper closed on nothing'
            if travel.stopped:
                text = f'{_contact_text(travel)}, {text}'
            return Felt(text, False, travel.stopped, held=False, closing=closing)
        carried, moved = self._carry_out(contact)
        held = self.holds()
        text = f'held, {carried}' + ('' if held else ', and lost')
        return Felt(text, moved, True, held=held, closing=closing)

    def _carry_out(self, contact: ArmContact) -> tuple[str, bool]:
        """Move the held part; return its motion in words, and whether it moved."""
        if contact.action == 'rotate':
            turned = self._turn(contact)
            return f'turned {np.degrees(turned):.0f} degrees', turned >= _LEAST_TURN
        begin = self._tip.pose().translation
        if contact.action == 'pull':
            share = _FORCEFUL if contact.lead else _GENTLE
            travel = self._tip.guide(contact.outwards, _STROKE, contact.lead, share)
            if travel.length < _FREE:
                self._tip.guide(_towards_base(contact), _STROKE, contact.lead, share)
            word = 'pulled'
        else:
            self._tip.guide(_UP, _LIFT)
            word = 'lifted'
        text, moved = f'{word} {self._distance_from(begin)}', self._away_from(begin) >= _FREE
        if contact.action == 'put down':
            self._tip.guide(-_UP, _LIFT)
        return text, moved

    def _turn(self, contact: ArmContact) -> float:
        """Turn the held part about the tip; return the angle in radians.

        If the direction is not known and the first one is blocked, the other one is tried.
        """
        axis = -contact.normal if contact.motion is None else contact.motion
        turned = self._tip.turn(axis, _TURN)
        if contact.motion is None and turned < _TURN / 3:
            turned = self._tip.turn(-axis, _TURN)
        return turned

    def _away_from(self, begin: NDArray[np.float64]) -> float:
        return float(np.linalg.norm(self._tip.pose().translation - begin))

    def _distance_from(self, begin: NDArray[np.float64]) -> str:
        return f'{self._away_from(begin) * 100:.0f} cm'

    def _go_before(
        self, contact: ArmContact, correct: Correct | None, *, opened: bool
    ) -> ArmContact:
        """Move before the point, and then straight to near it; return the corrected contact."""
        stops = [_SEEN] if correct is not None and self._distance > _SEEN else []
        behind = [_NEAR, -contact.depth if opened else -_BEHIND]
        route, path = self._free_approach(contact, [self._distance, *stops, *behind])
        near = path[-2]
        position = self._gripper.opened_for(contact.width) if opened else self._gripper.closed
        self._arm.grip(position, self._gripper.effort)
        for joints in route:
            self._tip.go(joints)
        if correct is not None:
            if stops:
                self._tip.go(path[1])
            shift = correct()
            if shift is not None:
                point = contact.point + shift
                pose = RigidTransform(self._tip.pose().rotation, point + _NEAR * contact.outwards)
                try:
                    near = self._kinematics.joints(pose, self._arm.reading().positions)
                    contact = replace(contact, point=point)
                except UnreachableError:
                    # The point that was found is in reach.
                    pass
        self._tip.go(near)
        return contact

    def _free_approach(
        self, contact: ArmContact, away: Sequence[float]
    ) -> tuple[JointPath, JointPath]:
        """Compute the first of the paths to a point on which the arm is clear, and the way there.

        Raises:
            UnreachableError: there is none.
        """
        start = self._arm.reading().positions
        self._clearance.allow(start)
        overlapping: list[tuple[float, JointPath]] = []
        searches = 0
        for path in self._approaches(contact, away, start):
            # A guarded motion hardly reaches the last position.
            overlap = max(self._clearance.overlap(joints, contact.point) for joints in path[:-1])
            if overlap:
                overlapping.append((overlap, path))
            elif searches < _SEARCHES:
                searches += 1
                route = free_path(self._clearance, start, path[0])
                if route is not None:
                    return route, path
        # What the camera sees may be thinner than assumed: the arm is stopped if it meets it.
        overlapping.sort(key=lambda pair: pair[0])
        for overlap, path in overlapping[:_SEARCHES]:
            if overlap < math.inf:
                self._clearance.allow(path[0])
                route = free_path(self._clearance, start, path[0])
                if route is not None:
                    return route, path
        raise UnreachableError(
            f'the arm does not reach {contact.point.round(3).tolist()} without touching itself, '
            'or what the camera sees in front of the point'
        )

    def _approaches(
        self, contact: ArmContact, away: Sequence[float], start: NDArray[np.float64]
    ) -> Iterator[JointPath]:
        """Compute joint positions at distances before a point, metres; negative: behind it.

        For each direction, the path with the shortest joint motion to its beginning comes first.

        The tool points into the surface, or is tilted; its fingers close as given, or in any
        direction if the arm cannot reach the point so.

        Raises:
            UnreachableError: there are none.
        """
        points = [contact.point + distance * contact.outwards for distance in away]
        turn = 0.0
        if contact.action == 'rotate':
            # The tool's z axis points against the normal.
            turn = (
                _TURN_ROOM
                if contact.motion is None
                else -_TURN_ROOM * float(np.sign(contact.motion @ contact.normal))
            )
        found = False
        for closing in [None] if contact.closing is None else [contact.closing, None]:
            for tilt in _TILTS:
                direction = -(1 - tilt) * contact.outwards - tilt * _towards_base(contact)
                paths = self._kinematics.approaches(
                    points, direction, start, closing=closing, turn=turn
                )
                for path in sorted(paths, key=lambda path: float(np.abs(path[0] - start).max())):
                    found = True
                    yield path
        if not found:
            raise UnreachableError(
                f'the arm does not reach {points[-1].round(3).tolist()} along '
                f'{direction.round(2).tolist()}'
            )


def _contact_text(travel: Travel) -> str:
    if not travel.stopped:
        return 'nothing stopped the tip'
    return 'touched' if math.isnan(travel.force) else f'touched with {travel.force:.0f} N'


def _towards_base(contact: ArmContact) -> NDArray[np.float64]:
    """Return the horizontal direction, [3], from the point to the arm's base."""
    level = -contact.point * [1.0, 1.0, 0.0]
    return np.asarray(level / max(float(np.linalg.norm(level)), 1e-9))
