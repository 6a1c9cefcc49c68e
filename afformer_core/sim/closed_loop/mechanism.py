# SPDX-License-Identifier: Apache-2.0
"""Tasks of a robot, the motions of elements meanwhile, and the limits of success."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from afformer_core.sim.bodies.appliance import Appliance
from afformer_core.sim.bodies.element import CARRIED, MOMENTARY, Element, Joint, Use
from afformer_core.sim.bodies.pose import Pose

# Seconds that a touched or held element must be pressed, or in contact where it cannot move.
LEAST_SECONDS = {'touch': 0.04, 'hold': 0.5}
# Shares of the way from the start to the goal.
DONE = 0.5
_RETURNED = 0.25
_DISTURBED = 0.25
# Less than this share of a demonstration's change is nothing to do.
_LEAST_CHANGE = 0.4


@dataclass(frozen=True)
class Task:
    """What a robot is to do: an action upon the element of that index."""

    element: int
    action: str

    def __post_init__(self) -> None:
        if self.element < 0:
            raise ValueError(f'an element has an index from 0, not {self.element}')


@dataclass(frozen=True)
class Mechanism:
    """How one element moves while a robot works, and how far is far enough.

    Attributes:
        use: whose joint it moves on.
        start: value of the joint when the robot comes.
    """

    use: Use
    start: float

    def __post_init__(self) -> None:
        if self.use.joint is not None and self.goal == self.start:
            raise ValueError(
                f'to {self.use.action} changes nothing from {self.start} on; give the use a joint '
                'that moves, or none'
            )

    @property
    def joint(self) -> Joint | None:
        """On which it moves; None if it stays."""
        return self.use.joint

    @property
    def momentary(self) -> bool:
        """Whether a spring brings it back."""
        return self.use.action in MOMENTARY

    @property
    def carried(self) -> bool:
        """Whether gravity brings it back."""
        return self.use.action in CARRIED

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest value of the joint."""
        values = (*self.use.before, *self.use.after, self.start)
        return min(values), max(values)

    @property
    def goal(self) -> float:
        """The value nearest to the start that a demonstration of the use would reach."""
        use = self.use
        return min(
            use.before if use.action == 'put down' else use.after,
            key=lambda value: abs(value - self.start),
        )

    @property
    def either_sense(self) -> bool:
        """Whether the other way is as good: nobody tells a robot the sense of a turn."""
        return self.use.action == 'rotate'

    def operated(self, last: float, farthest: float, seconds: float) -> bool:
        """Whether the use has been carried out.

        Args:
            last: share of the way to the goal in the end.
            farthest: the largest share of it.
            seconds: that it was pressed, or in contact where it cannot move.
        """
        action = self.use.action
        if action in MOMENTARY:
            return seconds >= LEAST_SECONDS[action] and last < DONE
        if action == 'put down':
            return farthest >= DONE and last < _RETURNED
        return last >= DONE

    def disturbed(self, farthest: float, seconds: float) -> bool:
        """Whether an element that was not meant has been operated all the same.

        Args:
            farthest: the largest share of the way to the goal, or away from it.
            seconds: of contact.
        """
        if self.joint is None:
            return seconds >= LEAST_SECONDS['touch']
        return abs(farthest) >= _DISTURBED

    def displacement(self) -> Pose | None:
        """Where the element is in its own frame when the robot comes; None at rest."""
        if self.joint is None or self.start == 0:
            return None
        return self.joint.displacement(self.start)


def mechanisms(appliance: Appliance, task: Task) -> tuple[Mechanism, ...]:
    """How each element of an appliance moves during a task.

    Those that afford the task's action do so; the others move as by the first of their uses.

    Raises:
        ValueError: the task's element does not exist, or does not afford its action.
    """
    if task.element >= len(appliance.elements):
        raise ValueError(f'there are {len(appliance.elements)} elements, none is {task.element}')
    appliance.elements[task.element].use(task.action)
    return tuple(_mechanism(element, task.action) for element in appliance.elements)


def initial_states(appliance: Appliance, task: Task) -> dict[int, Pose]:
    """Displacements of the elements that are not at rest when the robot comes.

    What is pushed back must have been pulled out; all that can be pushed are, lest it tells which
    one is meant.
    """
    poses = {i: one.displacement() for i, one in enumerate(mechanisms(appliance, task))}
    return {i: pose for i, pose in poses.items() if pose is not None}


def _mechanism(element: Element, action: str) -> Mechanism:
    if action not in element.actions:
        return Mechanism(element.uses[0], 0.0)
    use = element.use(action)
    return Mechanism(use, _start(use))


def _start(use: Use) -> float:
    """Rest, where that leaves something to do; else halfway from after to before."""
    before, after = float(np.mean(use.before)), float(np.mean(use.after))
    if use.joint is None or use.action in CARRIED:
        return 0.0
    if abs(after) >= _LEAST_CHANGE * abs(after - before):
        return 0.0
    return (before + after) / 2
