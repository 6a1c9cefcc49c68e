# SPDX-License-Identifier: Apache-2.0
"""Elements of a fixture: their moving solids, joints, grips and actions.

An element's own frame has z towards the hand and y in the direction of the fingers. Lengths are
metres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from afformer_core.actions import OPRA_ACTIONS
from afformer_sim.bodies.solid import STILL, Pose, Solid, turned


@dataclass(frozen=True)
class Fingertip:
    """One fingertip, or two side by side, on a front at the height `level`.

    Attributes:
        half_width, half_height: half extents of the area that may be touched, along x and y.
        level: position of the front along z.
        x, y: middle of the front.
    """

    half_width: float
    half_height: float
    level: float
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True)
class Pinch:
    """Thumb and fingers around a round part that stands along z at the frame's origin.

    Attributes:
        radius: radius of the part where the fingers touch it.
        level: height of the fingers along z.
        top: height of the part along z.
    """

    radius: float
    level: float
    top: float


@dataclass(frozen=True)
class Hook:
    """Fingers around a bar through (0, 0, `level`).

    Attributes:
        length, radius: size of the bar.
        level: height of the bar's axis along z.
        vertical: True if the bar runs along y, False if along x.
    """

    length: float
    radius: float
    level: float
    vertical: bool


Grip = Fingertip | Pinch | Hook


# Actions of the simulator.
ACTIONS = OPRA_ACTIONS

# Actions that end where they began: a moved element returns with the hand.
MOMENTARY = ('touch', 'hold')
# Actions that carry an element through the air, where the hand must not release it.
CARRIED = ('pick up', 'put down')


@dataclass(frozen=True)
class Joint:
    """Single degree of freedom of an element, in the element's own frame.

    Attributes:
        axis: [3], unit vector along which the element slides, or about which it turns.
        hinge: True if it turns, False if it slides.
        pivot: [3] metres, a point on the axis of a hinge.
    """

    axis: tuple[float, float, float]
    hinge: bool = False
    pivot: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def displacement(self, value: float) -> Pose:
        """Return the motion of the element by `value` metres or radians, in its own frame."""
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
        grips: ways to grasp the element, all equally likely.
        joint: joint of the element; None if it is fixed.
        before, after: (lowest, highest) joint value before and after the action, in metres or
            radians. The actions of `MOMENTARY` go from the first to the second and back.
    """

    action: str
    grips: tuple[Grip, ...]
    joint: Joint | None = None
    before: tuple[float, float] = (0.0, 0.0)
    after: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Front:
    """Part of an element that people would mark: a rectangle across z in the element's frame.

    Attributes:
        centre: [3] metres.
        half_width, half_height: half extents along x and y, metres.
    """

    centre: tuple[float, float, float]
    half_width: float
    half_height: float


@dataclass(frozen=True)
class Element:
    """One part of a fixture that can be operated.

    Attributes:
        kind: everyday name: `button`, `drawer`, ...
        pose: its own frame at rest in the fixture's frame; z points towards the hand.
        solids: solids that move with it, in its own frame.
        hull: float64 [P, 3] metres, points whose hull is the operated part, in its own frame.
        front: rectangle that people touch.
        uses: actions that it affords; several, so that the element alone does not determine the
            action.
    """

    kind: str
    pose: Pose
    solids: tuple[Solid, ...]
    hull: np.ndarray
    front: Front
    uses: tuple[Use, ...]

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of the actions that the element affords."""
        return tuple(use.action for use in self.uses)

    def use(self, action: str) -> Use:
        """Return the use whose action has this name.

        Raises:
            ValueError: the element does not afford the action.
        """
        for use in self.uses:
            if use.action == action:
                return use
        raise ValueError(f'a {self.kind} affords {self.actions}, not {action}')

    def placed(self, displacement: Pose = STILL) -> Pose:
        """Return the element's frame in the fixture's, moved by `displacement` from rest."""
        return self.pose @ displacement

    def operated(self, displacement: Pose = STILL) -> np.ndarray:
        """Return the hull [P, 3], moved by `displacement` from rest, in the fixture's frame."""
        return self.placed(displacement).apply(self.hull)
