# SPDX-License-Identifier: Apache-2.0
"""Tasks of a robot, the joints of elements during a task, and the limits of success."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from afformer_sim.bodies.element import CARRIED, MOMENTARY, Element, Joint, Use
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.pose import Pose

# Seconds for which a touched or held element must be pressed, or be in contact if it cannot move.
LEAST_SECONDS = {'touch': 0.04, 'hold': 0.5}
# Limits, as shares of the way from the start to the goal.
DONE = 0.5
_RETURNED = 0.25
_DISTURBED = 0.25
# At rest, at least this share of a demonstration's change must remain.
_LEAST_CHANGE = 0.4


@dataclass(frozen=True)
class Task:
    """Action for a robot to carry out on an element, given by its index."""

    element: int
    action: str


@dataclass(frozen=True)
class Mechanism:
    """Motion of one element while a robot works, and its limits of success.

    Attributes:
        use: use with the joint of the motion.
        start: initial value of the joint.
    """

    use: Use
    start: float

    @property
    def joint(self) -> Joint | None:
        """Joint of the element; None if it is fixed."""
        return self.use.joint

    @property
    def momentary(self) -> bool:
        """Whether a spring brings the element back."""
        return self.use.action in MOMENTARY

    @property
    def carried(self) -> bool:
        """Whether gravity brings the element back."""
        return self.use.action in CARRIED

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest value of the joint."""
        values = (*self.use.before, *self.use.after, self.start)
        return min(values), max(values)

    @property
    def goal(self) -> float:
        """Joint value nearest to the start that a demonstration of the use would reach."""
        use = self.use
        return min(
            use.before if use.action == 'put down' else use.after,
            key=lambda value: abs(value - self.start),
        )

    @property
    def either_sense(self) -> bool:
        """Whether both directions count, because the direction of a rotation is unknown."""
        return self.use.action == 'rotate'

    def operated(self, last: float, farthest: float, seconds: float) -> bool:
        """Check whether the use has been carried out.

        Args:
            last: share of the way to the goal in the end.
            farthest: largest share of it.
            seconds: time that it was pressed, or in contact if it cannot move.
        """
        action = self.use.action
        if action in MOMENTARY:
            return seconds >= LEAST_SECONDS[action] and last < DONE
        if action == 'put down':
            return farthest >= DONE and last < _RETURNED
        return last >= DONE

    def disturbed(self, farthest: float, seconds: float) -> bool:
        """Check whether an element other than the right one has been operated.

        Args:
            farthest: largest share of the way to the goal, negative for the other direction.
            seconds: time of contact.
        """
        if self.joint is None:
            return seconds >= LEAST_SECONDS['touch']
        return abs(farthest) >= _DISTURBED

    def displacement(self) -> Pose | None:
        """Return the initial displacement of the element; None at rest."""
        if self.joint is None or self.start == 0:
            return None
        return self.joint.displacement(self.start)


def mechanisms(fixture: Fixture, task: Task) -> tuple[Mechanism, ...]:
    """Return the mechanism of each element of a fixture during a task.

    Elements that afford the task's action move accordingly; the others by their first use.

    Raises:
        ValueError: the task's element does not afford its action.
    """
    fixture.elements[task.element].use(task.action)
    return tuple(_mechanism(element, task.action) for element in fixture.elements)


def initial_states(fixture: Fixture, task: Task) -> dict[int, Pose]:
    """Return the displacements of the elements that are initially not at rest.

    A drawer must be open before it can be pushed. All elements that can be pushed are then
    displaced, so that the state does not reveal the right one.
    """
    poses = {i: mechanism.displacement() for i, mechanism in enumerate(mechanisms(fixture, task))}
    return {i: pose for i, pose in poses.items() if pose is not None}


def _mechanism(element: Element, action: str) -> Mechanism:
    if action not in element.actions:
        return Mechanism(element.uses[0], 0.0)
    use = element.use(action)
    return Mechanism(use, _start(use))


def _start(use: Use) -> float:
    """Return 0 (rest) if the action changes it enough, else halfway between after and before."""
    before, after = float(np.mean(use.before)), float(np.mean(use.after))
    if use.joint is None or use.action in CARRIED:
        return 0.0
    if abs(after) >= _LEAST_CHANGE * abs(after - before):
        return 0.0
    return (before + after) / 2
