# SPDX-License-Identifier: Apache-2.0
"""A point at which an arm is to act, and the error where it cannot be reached."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import AfformerError


class UnreachableError(AfformerError):
    """A pose that the arm cannot reach, or only by a jump of its joints."""


# The actions of the shipped model, each of which an arm has a skill for.
ACTIONS = ('touch', 'hold', 'push', 'pull', 'rotate', 'pick up', 'put down')


class UnknownActionError(AfformerError):
    """An action that the arm has no skill for."""


@dataclass(frozen=True)
class Contact:
    """Where and how to act, in the frame of the arm's base.

    Attributes:
        action: one of `ACTIONS`.
        point: float64 [3] metres, on the surface.
        normal: float64 [3], of length 1, out of the surface.
        motion: float64 [3], of length 1: the direction in which the part moves, or the axis about
            which it turns, by the right-hand rule; None where it is not known.
    """

    action: str
    point: NDArray[np.float64]
    normal: NDArray[np.float64]
    motion: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise UnknownActionError(
                f'the action is {self.action!r}; expected one of {", ".join(ACTIONS)}. Take a '
                'model with these actions'
            )
