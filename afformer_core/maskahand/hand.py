# SPDX-License-Identifier: Apache-2.0
"""A hand that a detector sees in a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

LOWEST_SCORE = 0.05
"""Hands of a lower score are neither looked for nor kept: there are many, and few are hands."""


@dataclass(frozen=True)
class Hand:
    """A hand in a picture (paper, section 4.2).

    Attributes:
        box: (left, top, right, bottom) in pixels, of the edges of pixels: a picture of a width W
            reaches from 0 to W. It may reach outside.
        contact: whether the hand touches an object.
        score: how sure it is that there is a hand in that state, 0 to 1.
        touch: (x, y) in pixels, where it touches something, or would; it may lie outside of box
            and picture. None where the detector does not tell.
    """

    box: tuple[float, float, float, float]
    contact: bool
    score: float
    touch: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        left, top, right, bottom = self.box
        if not all(map(math.isfinite, self.box)) or not (left < right and top < bottom):
            raise ValueError(
                f'a hand has the box {self.box}; finite (left, top, right, bottom) with left < '
                'right and top < bottom are wanted'
            )
        if not 0 <= self.score <= 1:
            raise ValueError(f'a hand has the score {self.score}; 0 to 1 is wanted')
        if self.touch is not None and not all(map(math.isfinite, self.touch)):
            raise ValueError(f'a hand touches something at {self.touch}; finite (x, y) are wanted')

    @property
    def size(self) -> tuple[float, float]:
        """(width, height) of the box."""
        left, top, right, bottom = self.box
        return right - left, bottom - top
