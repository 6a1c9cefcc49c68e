# SPDX-License-Identifier: Apache-2.0
"""Vessels: round bodies, spouts, lids, knobs and handles, and the elements made of them.

A vessel's own frame has y up, z towards the user, and the middle of its bottom at the origin. The
frame of a lid or a knob has z up, y away from the user, and the middle of its seat at the origin.
Lengths are metres.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from afformer_sim.bodies.element import Element, Fingertip, Front, Grip, Hook, Joint, Pinch, Use
from afformer_sim.bodies.solid import Colour, Pose, Solid, SolidShape, at, between, facing, spin
from afformer_sim.families.carpentry import ABOUT, OUT, FrontHandle, Point

UP = np.array([0.0, 1.0, 0.0])
# z up and y away from the user
UPRIGHT = facing((0, 1, 0), (0, 0, -1))
KNOB_SHAPES = ('ball', 'drum', 'mushroom', 'bar')
# A slanted side is a stack of cylinders whose radii differ by about this much.
_STEP = 0.0022


@dataclass(frozen=True)
class PartFinish:
    """Colour and texture of a part, as in `Solid`."""

    colour: Colour
    surface: int | None = None

    @property
    def plain(self) -> PartFinish:
        """The same without its texture."""
        return PartFinish(self.colour)


def drawn_finish(colour: Colour, surface: int | None, rng: np.random.Generator) -> PartFinish:
    """Return a finish, after a draw of its gloss, which images no longer show."""
    rng.random()
    return PartFinish(colour, surface)


def drawn_body(rng: np.random.Generator, colour: Colour, textured: float) -> PartFinish:
    """Draw the finish of a body, which has a texture in the given share of cases."""
    rng.random()
    return PartFinish(colour, int(rng.integers(4)) if rng.random() < textured else None)


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


def drum(finish: PartFinish, radius: float, low: float, high: float, axis: str = 'y') -> Solid:
    """Build an upright cylinder between two heights: about y of a vessel, or z of a lid."""
    middle = (low + high) / 2
    pose = Pose(np.array([0, middle, 0]), UPRIGHT) if axis == 'y' else at(0, 0, middle)
    size = (radius, (high - low) / 2)
    return Solid(SolidShape.CYLINDER, size, finish.colour, pose, finish.surface)


def block(finish: PartFinish, half: Sequence[float], middle: Sequence[float]) -> Solid:
    """Build a box along the axes."""
    return Solid(SolidShape.BOX, tuple(half), finish.colour, at(*middle), finish.surface)


def rod(finish: PartFinish, start: Point, end: Point, radius: float) -> Solid:
    """Build a capsule between two points."""
    size = (radius, math.dist(start, end) / 2)
    return Solid(SolidShape.CAPSULE, size, finish.colour, between(start, end), finish.surface)


def slat(finish: PartFinish, start: Point, end: Point, half: tuple[float, float]) -> Solid:
    """Build a box between two points, with half extents across."""
    size = (*half, math.dist(start, end) / 2 + min(half))
    return Solid(SolidShape.BOX, size, finish.colour, between(start, end))


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
        shape: `straight`, `bellied`, `tapered` (narrower at the top) or `flared` (below).
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
    size, pose = (radius, half, radius), at(0, half, 0)
    belly = Solid(SolidShape.ELLIPSOID, size, finish.colour, pose, finish.surface)
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
) -> FrontHandle:
    """Build a knob, one of `KNOB_SHAPES`, with a mark that shows its rotation."""
    stem = drum(finish, 0.5 * radius, -0.002, 0.6 * height, 'z')
    if shape == 'ball':
        half = 0.36 * height
        size, pose = (radius, radius, half), at(0, 0, height - half)
        ball = Solid(SolidShape.ELLIPSOID, size, finish.colour, pose)
        return pinched_from_above((stem, ball), radius, height)
    mark = block(accent, (0.14 * radius, 0.42 * radius, 0.0008), (0, 0.5 * radius, height))
    if shape == 'drum':
        top = drum(finish, radius, -0.002, height, 'z')
        return pinched_from_above((top, mark), radius, height)
    if shape == 'mushroom':
        top = drum(finish, radius, 0.5 * height, height, 'z')
        return pinched_from_above((stem, top, mark), radius, height)
    half_height = height / 2 + 0.001
    bar = block(finish, (0.34 * radius, radius, half_height), (0, 0, half_height - 0.002))
    foot = drum(finish, 0.8 * radius, -0.002, 0.25 * height, 'z')
    return pinched_from_above((bar, foot, mark), 0.9 * radius, height)


def pinched_from_above(
    solids: Sequence[Solid], radius: float, height: float, level: float | None = None
) -> FrontHandle:
    """Build a round part around z, with a fingertip on it and a pinch at a level, or at 60 %."""
    half, level = 0.6 * radius, 0.6 * height if level is None else level
    grips = Pinch(radius, level, height), Fingertip(half, half, height)
    front = Front((0.0, 0.0, height), 0.85 * radius, 0.85 * radius)
    return FrontHandle(tuple(solids), front, grips)


def twisted(knob: FrontHandle, angle: float) -> FrontHandle:
    """Return a round part turned by `angle` radians about z."""
    return replace(knob, solids=spun(knob.solids, angle, (0, 0, 1)))


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
    pose = spin(np.array(axis, float), angle)
    return tuple(solid.moved(pose) for solid in solids)


@dataclass(frozen=True)
class VesselHandle:
    """Handle of a vessel, and the straight bar of it that is grasped.

    Attributes:
        solids: all its solids.
        middle: [3] metres, middle of the bar.
        along: [3], unit vector along the bar.
        length, radius: size of the bar, metres.
    """

    solids: tuple[Solid, ...]
    middle: np.ndarray
    along: np.ndarray
    length: float
    radius: float

    def moved(self, pose: Pose) -> VesselHandle:
        """Return the handle in an outer frame, in which its own frame has `pose`."""
        solids = tuple(solid.moved(pose) for solid in self.solids)
        middle, along = pose.apply(self.middle), pose.direct(self.along)
        return VesselHandle(solids, middle, along, self.length, self.radius)


def ring_handle(
    body: Body,
    finish: PartFinish,
    shape: str,
    reach: float,
    levels: tuple[float, float],
    radius: float,
) -> VesselHandle:
    """Build a handle at a body's side, towards the user.

    Args:
        body: body of the vessel.
        finish: material of the handle.
        shape: `square`, `round` or `ear` (all of capsules), or `flat` (of boxes).
        reach: distance of the middle of the bar from the body, metres.
        levels: lowest and highest point of its middle line, metres.
        radius: radius of the bar, or half its thickness, metres.
    """
    low, high = levels
    middle, half = (low + high) / 2, (high - low) / 2
    inside = 0.004
    upper, lower = body.radius(high) - inside, body.radius(low) - inside
    out = max(body.radius(level) for level in np.linspace(low, high, 9)) + reach
    if shape == 'round':
        angles = np.radians([54, 18, -18, -54])
        scale = 1 / math.cos(math.radians(18))
        corners = [
            (out - reach * (1 - scale * math.cos(angle)), middle + half * math.sin(angle))
            for angle in angles
        ]
    elif shape == 'ear':
        corners = [(out, high), (out, middle - 0.3 * half), (0.4 * out + 0.6 * lower, low)]
    else:
        corners = [(out, high), (out, low)]
    line = [(upper, high), *corners, (lower, low)]
    points = [np.array([0, level, distance]) for distance, level in line]
    pairs = list(itertools.pairwise(points))
    if shape == 'flat':
        solids = tuple(slat(finish, *pair, (1.5 * radius, 0.7 * radius)) for pair in pairs)
    else:
        solids = tuple(rod(finish, *pair, radius) for pair in pairs)
    top, bottom = pairs[2 if shape == 'round' else 1]
    length = float(top[1] - bottom[1])
    return VesselHandle(solids, (top + bottom) / 2, UP, length, radius)


def arch_handle(
    finish: PartFinish, half: float, low: float, high: float, radius: float
) -> VesselHandle:
    """Build a handle over an object, along x, that starts and ends at the height `low`."""
    shoulder = 0.62 * half
    line = [(-half, low), (-0.92 * half, low + 0.7 * (high - low)), (-shoulder, high)]
    line += [(-x, y) for x, y in reversed(line)]
    points = [np.array([x, y, 0]) for x, y in line]
    pairs = itertools.pairwise(points)
    solids = [rod(finish, *pair, 0.7 * radius) for pair in pairs]
    solids[2] = rod(finish, points[2], points[3], radius)
    middle, along = np.array([0, high, 0]), np.array([1.0, 0, 0])
    return VesselHandle(tuple(solids), middle, along, 2 * shoulder, radius)


def handle_element(
    kind: str,
    rng: np.random.Generator,
    solids: Sequence[Solid],
    handle: VesselHandle,
    outward: np.ndarray,
) -> Element:
    """Build an element that is lifted by a handle: `pick up`, `put down`, `hold`, `touch`.

    Args:
        kind: everyday name.
        rng: source of randomness, for the path.
        solids: all other solids that move with the handle, in the object's frame.
        handle: the handle, in the same frame.
        outward: [3], direction from the handle to the hand.
    """
    across = abs(handle.along @ UP) < 0.7 and abs(handle.along[0]) > 0.5
    upward = np.cross(outward, handle.along) if across else handle.along
    rotation = facing(outward, upward if upward @ (UP - [0, 0, 1]) > 0 else -upward)
    pose = Pose(handle.middle - rotation[:, 2] * handle.radius, rotation)
    inverse = pose.inverse()
    half = (handle.length / 2, handle.radius) if across else (handle.radius, handle.length / 2)
    hook = Hook(handle.length, handle.radius, handle.radius, vertical=not across)
    tip = Fingertip(*half, 2 * handle.radius)
    moved = tuple(solid.moved(inverse) for solid in handle.solids)
    held = FrontHandle(moved, Front((0.0, 0.0, 2 * handle.radius), *half), (hook, tip))
    uses = (*carry(rng, pose, hook), *rest(held.grips))
    return held.element(kind, pose, [solid.moved(inverse) for solid in solids], uses)


def lid_element(
    kind: str, rng: np.random.Generator, seat: Pose, plate: Sequence[Solid], knob: FrontHandle
) -> Element:
    """Build a lid on `seat` that is lifted, turned, held or touched by its knob."""
    pinch = knob.grips[:1]
    uses = (*carry(rng, seat, *pinch), turn(rng, pinch), *rest(knob.grips))
    return knob.element(kind, seat, plate, uses)


def pressed_element(
    kind: str, pose: Pose, solids: tuple[Solid, ...], knob: FrontHandle, stroke: float
) -> Element:
    """Build an element that moves down by `stroke` metres when pushed, and up when pulled."""
    low = (-stroke, -max(0.8 * stroke, 0.02))
    uses = (*press(knob.grips, low, (-0.1 * stroke, 0.0)), *rest(knob.grips))
    return knob.element(kind, pose, solids, uses)


def carry(rng: np.random.Generator, pose: Pose, *grips: Grip) -> tuple[Use, Use]:
    """Draw `pick up` and `put down` of an element at `pose`, along a mostly upright path."""
    path = np.array([rng.uniform(-0.1, 0.1), 1.0, rng.uniform(0.0, 0.25)])
    x, y, z = pose.rotation.T @ path / np.linalg.norm(path)
    joint = Joint((float(x), float(y), float(z)))
    low, high = (0.0, 0.0), (0.06, 0.14)
    return Use('pick up', grips, joint, low, high), Use('put down', grips, joint, high, low)


def turn(rng: np.random.Generator, grips: tuple[Grip, ...]) -> Use:
    """Draw a rotation about z, in either direction."""
    low, high = (-0.8, -0.45), (0.45, 0.8)
    before, after = (high, low) if rng.random() < 0.5 else (low, high)
    return Use('rotate', grips, ABOUT, before, after)


def slid(element: Element, near: float, far: float) -> Element:
    """Add a pull towards the user and a push back to an element.

    Args:
        element: element that can be picked up; it slides with the same grips.
        near, far: smallest and largest stroke in metres.
    """
    x, y, z = element.pose.rotation[2]
    joint = Joint((float(x), float(y), float(z)))
    ends, grips = ((0.0, 0.15 * near), (near, far)), element.use('pick up').grips
    uses = (Use('pull', grips, joint, *ends), Use('push', grips, joint, *ends[::-1]))
    return replace(element, uses=(*element.uses, *uses))


def press(
    grips: tuple[Grip, ...], low: tuple[float, float], high: tuple[float, float]
) -> tuple[Use, Use]:
    """Return a push along z from `high` to `low`, and a pull back, which needs a pinch."""
    return (Use('push', grips, OUT, high, low), Use('pull', grips[:1], OUT, low, high))


def rest(grips: tuple[Grip, ...]) -> tuple[Use, Use]:
    """Return `hold` and `touch`, without any movement."""
    return Use('hold', grips), Use('touch', grips)


def stand_on(level: float) -> Pose:
    """Return a frame at a height with z up and y away from the user."""
    return Pose(np.array([0.0, level, 0.0]), UPRIGHT)
