# SPDX-License-Identifier: Apache-2.0
"""Parts of the benchmarks' models that a hand operates, with their grips and actions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from afformer_sim.bodies.element import ACTIONS
from afformer_sim.bodies.grip import Grip
from afformer_sim.robot_benchmarks.model_source import ModelSource

Direction = tuple[float, float, float]

FORWARD: Direction = (0.0, 0.0, 1.0)
UPWARD: Direction = (0.0, 1.0, 0.0)
AWAY: Direction = (0.0, 0.0, -1.0)


@dataclass(frozen=True)
class OperatedPart:
    """Part of a fixture that one hand operates.

    Positions are in the model's own metres and the axes of `Fixture`: x to the right, y up, z
    towards the user.

    Attributes:
        family: name of the family.
        source: package of the model.
        model: name of the model's file.
        moves: joint, or the body that has it.
        materials: materials of the touched geoms; empty: all that move.
        point: contact point of the hand, the origin of the element's frame.
        grip: grip, with the lengths of a real hand.
        action: demonstrated action.
        accepted_actions: all names that people would use for it, including `action`.
        after: (lowest, highest) value of the joint afterwards, in the model's metres or radians;
            of a body that can be lifted, its height.
        outward, upward: z axis of the element's frame, and the direction nearest to its y axis.
        scale: ratio of the real size to that of the model.
        bottom: height of the surface that it stands on.
        elevation: typical elevation of the camera above the horizontal, in degrees.

    Raises:
        ValueError: an action is unknown, or a number out of range.
    """

    family: str
    source: ModelSource
    model: str
    moves: str
    materials: tuple[str, ...]
    point: tuple[float, float, float]
    grip: Grip
    action: str
    accepted_actions: tuple[str, ...]
    after: tuple[float, float]
    outward: Direction = FORWARD
    upward: Direction = UPWARD
    scale: float = 1.0
    bottom: float = 0.0
    elevation: float = 20.0

    def __post_init__(self) -> None:
        unknown = set(self.accepted_actions) - set(ACTIONS)
        if unknown or self.action not in self.accepted_actions:
            raise ValueError(
                f'accepted_actions of {self.family} are {self.accepted_actions}; expected '
                f'{self.action!r} and others of {", ".join(ACTIONS)}'
            )
        if self.scale <= 0 or self.after[0] > self.after[1]:
            raise ValueError(
                f'scale of {self.family} is {self.scale} and after {self.after}; expected a '
                'positive scale and the lowest value first'
            )
        if abs(np.dot(self.outward, self.upward)) > 0.99:
            raise ValueError(
                f'outward and upward of {self.family} are {self.outward} and {self.upward}; '
                'expected directions apart'
            )
