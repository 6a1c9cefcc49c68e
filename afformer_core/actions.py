# SPDX-License-Identifier: Apache-2.0
"""The actions that a demonstration may show."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Action:
    """An action of OPRA, and what an arm does in it.

    Attributes:
        name: name of the action.
        passing: whether the part is as before afterwards: a spring or gravity brings it back.
        holding: whether the hand holds the part.
        dwell: seconds for which the tip stays where the part stops it.
    """

    name: str
    passing: bool = False
    holding: bool = False
    dwell: float = 0.0


ACTIONS = {
    action.name: action
    for action in (
        Action('hold', passing=True, dwell=0.8),
        Action('touch', passing=True, dwell=0.1),
        Action('rotate', holding=True),
        Action('push'),
        Action('pull', holding=True),
        Action('pick up', holding=True),
        Action('put down', passing=True, holding=True),
    )
}
OPRA_ACTIONS = tuple(ACTIONS)
