# SPDX-License-Identifier: Apache-2.0
"""Elements: their moving solids, joints, grips and actions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from afformer_core.data.readers.opra import OPRA_ACTIONS as ACTIONS
from afformer_core.sim.bodies.grip import Grip
from afformer_core.sim.bodies.pose import STILL, Pose, turned
from afformer_core.sim.bodies.solid import Solid

# What ends where it began: the element, if it moves at all, comes back with the hand.
MOMENTARY = ('touch', 'hold')
# What is carried through the air and does not stay there.
CARRIED = ('pick up', 'put down')


@dataclass(frozen=True)
class Joint:
    """One way in which an element moves, in its own frame.

    Attributes:
        axis: [3] unit vector along which it slides or about which it turns.
        hinge: it turns, rather than slides.
        pivot: [3], a point of the axis of a hinge.
    """

    axis: tuple[float, float, float]
    hinge: bool = False
    pivot: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        if not np.isclose(np.linalg.norm(self.axis), 1):
            raise ValueError(f'the axis of a joint has length 1, not {self.axis}')

    def displacement(self, value: float) -> Pose:
        """Where the element is moved by `value` metres or radians, in its own frame at rest."""
        if not self.hinge:
            return Pose(value * np.array(self.axis), np.eye(3))
        rotation = turned(self.axis, value)
        pivot = np.array(self.pivot)
        return Pose(pivot - rotation @ pivot, rotation)


@dataclass(frozen=True)
class Use:
    """One action that an element affords.

    Attributes:
        action: one of `ACTIONS`.
        grips: in which it may be done, each as likely as another.
        joint: how the element moves; None if it stays.
        before, after: (lowest, highest) value of the joint when the hand comes and when it has
            acted; metres or radians. The actions of `MOMENTARY` go from the first to the second
            and back.
    """

    action: str
    grips: tuple[Grip, ...]
    joint: Joint | None = None
    before: tuple[float, float] = (0.0, 0.0)
    after: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise ValueError(f'{self.action!r} is none of {ACTIONS}')
        if not self.grips:
            raise ValueError(f'there is no grip to {self.action} with')


@dataclass(frozen=True)
class Front:
    """The part of an element that people would mark: a rectangle across z in its own frame.

    Attributes:
        centre: [3].
        half_width, half_height: along x and y.
    """

    centre: tuple[float, float, float]
    half_width: float
    half_height: float


@dataclass(frozen=True)
class Element:
    """One thing to operate.

    Attributes:
        kind: what people call it: `button`, `drawer`, ...
        pose: of its own frame, at rest, in the appliance's; z towards the hand.
        solids: what moves with it, in its own frame.
        hull: float64 [P, 3], points whose hull is the part that is operated, in its own frame.
        front: where it is touched.
        uses: what it affords; several, so that it does not tell the action.
    """

    kind: str
    pose: Pose
    solids: tuple[Solid, ...]
    hull: np.ndarray
    front: Front
    uses: tuple[Use, ...]

    def __post_init__(self) -> None:
        if self.hull.ndim != 2 or self.hull.shape[1] != 3 or len(self.hull) < 4:
            raise ValueError(f'a hull is [P, 3] with at least 4 points, not {self.hull.shape}')
        if not self.uses:
            raise ValueError(f'a {self.kind} that affords no action is no element')

    @property
    def actions(self) -> tuple[str, ...]:
        """What it affords."""
        return tuple(use.action for use in self.uses)

    def use(self, action: str) -> Use:
        """How an action is done.

        Raises:
            ValueError: the element does not afford it.
        """
        for use in self.uses:
            if use.action == action:
                return use
        raise ValueError(f'a {self.kind} affords {self.actions}, not {action}')

    def placed(self, displacement: Pose = STILL) -> Pose:
        """Its frame in the appliance's, moved by `displacement` from rest."""
        return self.pose @ displacement

    def operated(self, displacement: Pose = STILL) -> np.ndarray:
        """Its hull in the appliance's frame, moved by `displacement` from rest: [P, 3] metres."""
        return self.placed(displacement).apply(self.hull)
