# SPDX-License-Identifier: Apache-2.0
"""The range of a gripper, and whether it holds something."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Metres by which a gripper opens wider than the part, for the errors of its position.
_ROOM = 0.03
# Share of its range by which two positions are different.
_DIFFERENT = 0.02


@dataclass(frozen=True)
class Gripper:
    """The range of a gripper's joint, in the units of its driver.

    Attributes:
        open, closed: positions of the open and of the empty, closed gripper.
        effort: maximum effort; 0: the driver's own maximum.
        width: metres between the fingers of the open gripper.

    Raises:
        ValueError: a number is not finite, both positions are equal, the effort is negative, or
            the width is not positive.
    """

    open: float
    closed: float
    effort: float = 0.0
    width: float = 0.08

    def __post_init__(self) -> None:
        if not math.isfinite(self.open - self.closed) or self.open == self.closed:
            raise ValueError(
                f'the gripper is open at {self.open:g} and closed at {self.closed:g}; expected '
                'two different, finite positions'
            )
        if not (math.isfinite(self.effort) and self.effort >= 0):
            raise ValueError(f'the effort of the gripper is {self.effort:g}; expected at least 0')
        if not 0 < self.width < math.inf:
            raise ValueError(f'the gripper is {self.width:g} m wide; expected more than 0')

    def opened_for(self, width: float | None) -> float:
        """Return the position that leaves room around a part of a width in metres, if known."""
        share = 1.0 if width is None else min(1.0, (width + _ROOM) / self.width)
        return self.closed + share * (self.open - self.closed)

    def are_near(self, position: float, other: float) -> bool:
        """Check whether two positions are equal but for what a gripper measures."""
        return abs((position - other) / (self.open - self.closed)) <= _DIFFERENT

    def holds(self, position: float) -> bool:
        """Check whether a gripper that was closed holds something at this position."""
        return not self.are_near(position, self.closed)
