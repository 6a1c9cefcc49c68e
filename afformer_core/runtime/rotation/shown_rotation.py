# SPDX-License-Identifier: Apache-2.0
"""Sense of a rotation as a demonstration shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Sense(str, Enum):
    """Senses of a rotation, as a camera sees it that looks at the surface."""

    CLOCKWISE = 'clockwise'
    COUNTERCLOCKWISE = 'counterclockwise'


@dataclass(frozen=True)
class ShownRotation:
    """Sense in which a demonstration turns something, or the reason why it is not known.

    Attributes:
        sense: as the demonstration's camera sees it; None if unknown.
        problem: one sentence why it is unknown; '' if it is known.

    Raises:
        ValueError: there is a sense and a problem, or neither.
    """

    sense: Sense | None
    problem: str

    def __post_init__(self) -> None:
        if (self.sense is None) != bool(self.problem):
            raise ValueError(
                f'sense is {self.sense} and problem {self.problem!r}; expected one of both'
            )

    @classmethod
    def unknown(cls, problem: str) -> ShownRotation:
        """Return a rotation of unknown sense, for a reason."""
        return cls(None, problem)

    @classmethod
    def together(cls, rotations: Sequence[ShownRotation]) -> ShownRotation:
        """Return the sense of several demonstrations of one skill, at least one.

        Those whose sense is unknown do not count unless all are.
        """
        known = {one.sense for one in rotations if one.sense is not None}
        if len(known) > 1:
            return cls.unknown('the demonstrations turn it in different senses')
        return cls(known.pop(), '') if known else rotations[0]


UNKNOWN_ROTATION = ShownRotation.unknown('the sense of the rotation was not estimated')
