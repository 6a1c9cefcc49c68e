# SPDX-License-Identifier: Apache-2.0
"""Outcome of an attempt of a robot to operate an element."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from afformer_sim.closed_loop.dynamics import TIMESTEP
from afformer_sim.closed_loop.mechanism import DONE, Mechanism, Task


class AttemptVerdict(str, Enum):
    """Possible outcomes of an attempt."""

    DONE = 'done'
    NOT_DONE = 'right element, not done'
    WRONG_ELEMENT = 'another element'
    FIXED_PART = 'a fixed part'
    NOTHING = 'nothing touched'


@dataclass(frozen=True)
class AttemptOutcome:
    """Outcome of an attempt.

    Attributes:
        verdict: judgement by the final state of the simulator.
        first_contact: index of the element that was touched first; None if there was none.
        disturbed: wrong elements that were operated.
    """

    verdict: AttemptVerdict
    first_contact: int | None = None
    disturbed: tuple[int, ...] = ()

    @property
    def done(self) -> bool:
        """Whether the right element has been operated, and no other."""
        return self.verdict is AttemptVerdict.DONE


@dataclass
class Watch:
    """Record of N elements while a robot works; each array is float64 [N].

    Attributes:
        contact: seconds in contact with the tip; for fixed elements, of the operated part.
        pressed: seconds beyond half of the way to the goal.
        farthest: largest share of the way to the goal so far, negative for the other direction.
        last: current share of the way to the goal.
    """

    contact: np.ndarray
    pressed: np.ndarray
    farthest: np.ndarray
    last: np.ndarray

    @classmethod
    def over(cls, count: int) -> Watch:
        """Return the record of `count` elements to which nothing has happened."""
        return cls(*np.zeros((4, count)))

    def add(self, in_contact: Iterable[int], progress: np.ndarray) -> None:
        """Add the result of one simulation step.

        Args:
            in_contact: elements in contact with the tip; of fixed elements, the operated part.
            progress: share of the way to the goal that each element has gone, [N].
        """
        for i in in_contact:
            self.contact[i] += TIMESTEP
        self.last = progress
        self.farthest = np.where(
            np.abs(self.last) > np.abs(self.farthest), self.last, self.farthest
        )
        self.pressed += TIMESTEP * (self.last >= DONE)


def judge(
    task: Task, every: tuple[Mechanism, ...], contacts: list[int], watch: Watch
) -> AttemptOutcome:
    """Judge an attempt by the motion of the elements.

    Args:
        task: the task.
        every: mechanism of each element.
        contacts: elements that were touched first, in order of decreasing penetration; -1 for a
            fixed part, empty if nothing was touched.
        watch: record of the elements.
    """
    target = task.element
    first = next((i for i in contacts if i >= 0), None)
    disturbed = tuple(
        i
        for i, operated in enumerate(every)
        if i != target and operated.disturbed(watch.farthest[i], watch.contact[i])
    )
    mechanism = every[target]
    seconds = watch.contact if mechanism.joint is None else watch.pressed
    done = mechanism.operated(
        float(watch.last[target]), float(watch.farthest[target]), float(seconds[target])
    )
    return AttemptOutcome(
        _verdict(target, done=done and not disturbed, contacts=contacts, disturbed=disturbed),
        first,
        disturbed,
    )


def _verdict(
    target: int, *, done: bool, contacts: list[int], disturbed: tuple[int, ...]
) -> AttemptVerdict:
    """Judge an attempt by the elements touched first; touching another one as well is harmless."""
    if done:
        return AttemptVerdict.DONE
    if not contacts:
        return AttemptVerdict.NOTHING
    first = next((i for i in contacts if i >= 0), None)
    if disturbed or first not in (None, target):
        return AttemptVerdict.WRONG_ELEMENT
    return AttemptVerdict.FIXED_PART if first is None else AttemptVerdict.NOT_DONE
