# SPDX-License-Identifier: Apache-2.0
"""The direction of rotation that a demonstration shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Sense(str, Enum):
    """Directions of rotation, as seen by a camera that faces the surface."""

    CLOCKWISE = 'clockwise'
    COUNTERCLOCKWISE = 'counterclockwise'


@dataclass(frozen=True)
class ShownRotation:
    """The direction of rotation that a demonstration shows, or the reason why it is unknown.

    Attributes:
        sense: direction as seen by the demonstration's camera; None if unknown.
        problem: reason why it is unknown, one sentence; '' if it is known.

    Raises:
        ValueError: both a direction and a problem are given, or neither.
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
        """Return a rotation of unknown direction, with the reason."""
        return cls(None, problem)

    @classmethod
    def together(cls, rotations: Sequence[ShownRotation]) -> ShownRotation:
        """Return the direction of one or more demonstrations of one skill.

        Demonstrations of unknown direction are ignored unless all are unknown.
        """
        known = {rotation.sense for rotation in rotations if rotation.sense is not None}
        if len(known) > 1:
            return cls.unknown('the demonstrations turn it in different directions')
        return cls(known.pop(), '') if known else rotations[0]


UNKNOWN_ROTATION = ShownRotation.unknown('the direction of the rotation was not estimated')
