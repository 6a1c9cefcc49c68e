# SPDX-License-Identifier: Apache-2.0
"""Scripted finger that goes to a point along a normal, and acts there.

It uses only the information of a robot: the point, the normal, the action, the upward direction,
and its own origin. It discovers the element's joint because its force is limited: it pulls an
element that barely moves along the normal towards the robot, or pushes it away, such as a lever or
a bottle that is touched from above.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from afformer_sim.closed_loop.dynamics import AXES, TIMESTEP
from afformer_sim.closed_loop.operated_fixture import Watch
from afformer_sim.closed_loop.physics import Physics

# Metres before the point where the finger begins.
START = 0.1
# Metres before the point where it slows down, and (behind the point) where it gives up.
_SLOW = 0.012
_DEEPEST = -0.03
_RETREAT = 0.04
# Metres per second.
_FAST_SPEED = 0.5
_SLOW_SPEED = 0.12
_SPEED = 0.3
_STROKES = {'touch': 0.012, 'hold': 0.012}
_DWELLS = {'touch': 0.06, 'hold': 0.58}
_STROKE = 0.12
_LIFT = 0.1
# Radians, and radians per second.
_TURN = 0.9
_TURN_SPEED = 2.2
_OUTWARD = np.array([0.0, 0.0, 1.0])
# Metres; an element that stops after less than this may move in another direction.
_FREE = 0.018
# In guided motion, an axis gives way if its share of the motion's direction is below this.
_ACROSS = 0.5


@dataclass
class Finger:
    """Fingertip that acts once; reset `physics` before.

    Attributes:
        physics: simulation in which it acts.
        watch: record of the elements.
    """

    physics: Physics
    watch: Watch = field(init=False)

    def __post_init__(self) -> None:
        self.watch = Watch.over(len(self.physics.mechanisms))
        self._targets = np.array([0.0, 0.0, START, 0.0])

    def act(self, action: str) -> list[int]:
        """Go to the point and carry out an action.

        Returns:
            the elements that were touched first, in order of decreasing penetration; -1 for a
            fixed part, empty if nothing was touched.
        """
        contacts = self._approach()
        if not contacts:
            return contacts
        element = next((i for i in contacts if i >= 0), -1)
        if action in ('touch', 'hold'):
            self._slide(-_STROKES[action] * _OUTWARD)
            self._wait(_DWELLS[action])
        elif action in ('push', 'pull'):
            self._move(element, -1 if action == 'push' else 1)
        else:
            self._carry_out(action, element)
        if action != 'pick up':
            self._retreat()
        return contacts

    def _approach(self) -> list[int]:
        for level, speed in ((_SLOW, _FAST_SPEED), (_DEEPEST, _SLOW_SPEED)):
            while self._targets[2] > level:
                self._targets[2] -= speed * TIMESTEP
                self._step()
                contacts = self.physics.in_contact()
                if contacts:
                    self._targets = self.physics.finger()
                    return contacts
        return []

    def _move(self, element: int, sense: int) -> None:
        """Push (-1) or pull (1) along the normal, or else relative to the robot."""
        physics, start = self.physics, self.physics.finger()
        self._stick(element)
        self._slide(sense * _STROKE * _OUTWARD, guided=True)
        if element >= 0 and np.linalg.norm(physics.finger()[:3] - start[:3]) < _FREE:
            self._targets = physics.finger()
            self._slide(sense * _STROKE * physics.toward(), guided=True)

    def _carry_out(self, action: str, element: int) -> None:
        self._stick(element, rigid=action == 'rotate')
        if action == 'rotate':
            self.physics.set_stiffness(soft=('x', 'y'), wrist=True)
            self._turn()
            return
        lift = _LIFT * self.physics.upward()
        self._slide(lift)
        if action == 'put down':
            self._slide(-lift)

    def _stick(self, element: int, *, rigid: bool = False) -> None:
        """Attach the fingertip to an element; -1: to nothing."""
        if element >= 0:
            self.physics.attach(element, rigid=rigid)

    def _slide(self, way: np.ndarray, *, guided: bool = False) -> None:
        """Pull the finger along a vector, [3] metres in its own frame.

        If the element guides it, it is compliant across the motion.
        """
        length = float(np.linalg.norm(way))
        if guided:
            across = np.abs(way) < _ACROSS * length
            axes = zip(AXES, across.tolist(), strict=False)
            self.physics.set_stiffness(soft=tuple(axis for axis, gives in axes if gives))
        steps = max(1, round(length / _SPEED / TIMESTEP))
        for _ in range(steps):
            self._targets[:3] += way / steps
            self._step()

    def _turn(self) -> None:
        steps = round(_TURN / _TURN_SPEED / TIMESTEP)
        for _ in range(steps):
            self._targets[3] += _TURN / steps
            self._step()

    def _wait(self, seconds: float) -> None:
        for _ in range(round(seconds / TIMESTEP)):
            self._step()

    def _retreat(self) -> None:
        self.physics.release()
        self.physics.set_stiffness()
        self._targets = self.physics.finger()
        self._slide(_RETREAT * _OUTWARD)

    def _step(self) -> None:
        self.physics.step(self._targets)
        self.watch.finish(self.physics)
