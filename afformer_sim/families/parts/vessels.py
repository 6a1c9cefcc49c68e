# SPDX-License-Identifier: Apache-2.0
"""Parts of vessels: round bodies, spouts, lids, knobs.

A vessel's own frame has y up, z towards the user, and the middle of its bottom at the origin. The
frame of a lid or a knob has z up, y away from the user, and the middle of its seat at the origin.
Lengths are metres.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from afformer_sim.bodies.pose import Pose, at, between, facing, turned
from afformer_sim.bodies.solid import Colour, Solid, SolidShape

Point = Sequence[float] | np.ndarray

UP = np.array([0.0, 1.0, 0.0])
# z up and y away from the user
UPRIGHT = facing((0, 1, 0), (0, 0, -1))
BODY_SHAPES = ('straight', 'tapered', 'flared', 'bellied')
KNOB_SHAPES = ('ball', 'drum', 'mushroom', 'bar')
# A slanted side is a stack of cylinders whose radii differ by about this much.
_STEP = 0.0022


@dataclass(frozen=True)
class PartFinish:
    """Colour, texture and shininess of a part, as in `Solid`."""

    colour: Colour
    surface: int | None = None
    shininess: float = 0.3


@dataclass(frozen=True)
class Body:
    """Round body of a vessel.

    Attributes:
        solids: all its solids.
        levels, radii: its radius at increasing heights, from bottom to top.
    """

    solids: tuple[Solid, ...]
    levels: tuple[float, ...]
    radii: tuple[float, ...]

    @property
    def height(self) -> float:
        """Height in metres."""
        return self.levels[-1]

    @property
    def top_radius(self) -> float:
        """Radius of the mouth."""
        return self.radii[-1]

    def radius(self, level: float) -> float:
        """Return the radius at a height."""
        return float(np.interp(level, self.levels, self.radii))


@dataclass(frozen=True)
class Knob:
    """Knob that is pinched from above, around z.

    Attributes:
        solids: all its solids.
        radius: radius where fingers hold it.
        height: its height.
    """

    solids: tuple[Solid, ...]
    radius: float
    height: float

    def turned(self, angle: float) -> Knob:
        """Return the knob turned by `angle` radians."""
        return Knob(spun(self.solids, angle, (0, 0, 1)), self.radius, self.height)


def drum(finish: PartFinish, radius: float, low: float, high: float, axis: str = 'y') -> Solid:
    """Build an upright cylinder between two heights: about y of a vessel, or z of a lid."""
    middle = (low + high) / 2
    pose = Pose(np.array([0, middle, 0]), UPRIGHT) if axis == 'y' else at(0, 0, middle)
    size = (radius, (high - low) / 2)
    return Solid(SolidShape.CYLINDER, size, finish.colour, pose, finish.surface, finish.shininess)


def block(finish: PartFinish, half: Sequence[float], middle: Sequence[float]) -> Solid:
    """Build a box along the axes."""
    pose = at(*middle)
    return Solid(
        SolidShape.BOX, tuple(half), finish.colour, pose, finish.surface, finish.shininess
    )


def rod(finish: PartFinish, start: Point, end: Point, radius: float) -> Solid:
    """Build a capsule between two points."""
    size = (radius, math.dist(start, end) / 2)
    return Solid(
        SolidShape.CAPSULE,
        size,
        finish.colour,
        between(start, end),
        finish.surface,
        finish.shininess,
    )


def slat(finish: PartFinish, start: Point, end: Point, half: tuple[float, float]) -> Solid:
    """Build a box between two points, with half extents across."""
    size = (*half, math.dist(start, end) / 2 + min(half))
    return Solid(SolidShape.BOX, size, finish.colour, between(start, end), None, finish.shininess)


def slope(
    finish: PartFinish, radii: tuple[float, float], levels: tuple[float, float], steps: int
) -> tuple[Solid, ...]:
    """Build a stack of drums from the first radius at the first level to the second ones."""
    edges = np.linspace(*levels, steps + 1)
    wide = np.linspace(*radii, steps)
    return tuple(drum(finish, float(wide[i]), edges[i], edges[i + 1]) for i in range(steps))


def round_body(
    finish: PartFinish, shape: str, radius: float, height: float, narrow: float = 0.75
) -> Body:
    """Build a vessel's body.

    Args:
        finish: its material.
        shape: one of `BODY_SHAPES`; tapered ones are narrower at the top, flared ones below.
        radius: largest radius.
        height: its height.
        narrow: its smallest radius as a share of `radius`.
    """
    if shape == 'bellied':
        return _bellied_body(finish, radius, height, narrow)
    ends = {'straight': (1.0, 1.0), 'tapered': (1.0, narrow), 'flared': (narrow, 1.0)}[shape]
    slices = 1 if shape == 'straight' else int(np.clip(radius * (1 - narrow) / _STEP, 3, 9))
    first, last = radius * ends[0], radius * ends[1]
    solids = slope(finish, (first, last), (0.0, height), slices)
    # the outline passes through the middles of the drums
    edge = 0.5 * height / slices
    return Body(solids, (0.0, edge, height - edge, height), (first, first, last, last))


def _bellied_body(finish: PartFinish, radius: float, height: float, narrow: float) -> Body:
    half = 0.47 * height
    belly = Solid(
        SolidShape.ELLIPSOID,
        (radius, half, radius),
        finish.colour,
        at(0, half, 0),
        finish.surface,
        finish.shininess,
    )
    mouth = narrow * radius
    foot = drum(finish, 0.62 * radius, 0, 0.12 * height)
    # the collar begins inside the belly
    collar = drum(finish, mouth, half, height)
    levels = np.linspace(0.03, 0.97, 12) * 2 * half
    radii = radius * np.sqrt(1 - (levels / half - 1) ** 2)
    radii = np.maximum(radii, np.where(levels > half, mouth, 0.0))
    return Body((foot, belly, collar), (0.0, *levels, height), (0.62 * radius, *radii, mouth))


def mouth(body: Body, finish: PartFinish, share: float = 0.88) -> Solid:
    """Build the dark or filled inside of an open vessel, as visible from above."""
    return drum(finish, share * body.top_radius, body.height - 0.002, body.height + 0.0006)


def spout(
    body: Body, finish: PartFinish, levels: tuple[float, float], reach: float
) -> tuple[Solid, ...]:
    """Build a spout at a body's back, from the first height to the second one."""
    low, high = levels
    inside = body.radius(low) - 0.01
    out = body.radius(high) + reach
    thick = 0.16 * body.radius(low) + 0.004
    start, end = (0, low, -inside), (0, high, -out)
    bend = (0, 0.55 * low + 0.45 * high, -0.35 * inside - 0.65 * out)
    return (rod(finish, start, bend, thick), rod(finish, bend, end, 0.7 * thick))


def make_knob(
    finish: PartFinish, accent: PartFinish, shape: str, radius: float, height: float
) -> Knob:
    """Build a knob, one of `KNOB_SHAPES`, with a mark that shows its rotation."""
    stem = drum(finish, 0.5 * radius, -0.002, 0.6 * height, 'z')
    if shape == 'ball':
        half = 0.36 * height
        size, pose = (radius, radius, half), at(0, 0, height - half)
        ball = Solid(SolidShape.ELLIPSOID, size, finish.colour, pose, None, finish.shininess)
        return Knob((stem, ball), radius, height)
    mark = block(accent, (0.14 * radius, 0.42 * radius, 0.0008), (0, 0.5 * radius, height))
    if shape == 'drum':
        return Knob((drum(finish, radius, -0.002, height, 'z'), mark), radius, height)
    if shape == 'mushroom':
        return Knob((stem, drum(finish, radius, 0.5 * height, height, 'z'), mark), radius, height)
    half_height = height / 2 + 0.001
    bar = block(finish, (0.34 * radius, radius, half_height), (0, 0, half_height - 0.002))
    foot = drum(finish, 0.8 * radius, -0.002, 0.25 * height, 'z')
    return Knob((bar, foot, mark), 0.9 * radius, height)


def lid_plate(
    finish: PartFinish, radius: float, thickness: float, steps: int
) -> tuple[Solid, ...]:
    """Build a lid's plate that ends at z = 0, flat or in steps like a dome."""
    edges = np.linspace(-thickness, 0, steps + 1)
    shares = np.sqrt(1 - (np.arange(steps) / (steps + 0.4)) ** 2)
    return tuple(
        drum(finish, float(radius * shares[i]), edges[i], edges[i + 1], 'z') for i in range(steps)
    )


def spun(solids: Sequence[Solid], angle: float, axis: Sequence[float]) -> tuple[Solid, ...]:
    """Rotate solids by `angle` radians about an axis through the origin."""
    pose = Pose(np.zeros(3), turned(np.array(axis, float), angle))
    return tuple(solid.moved(pose) for solid in solids)
