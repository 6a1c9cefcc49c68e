# SPDX-License-Identifier: Apache-2.0
"""Family `faucets`: sinks and basins with taps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from afformer_sim.bodies.element import Element, Front, Hook, Joint, Pinch
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.solid import Colour, Pose, Solid, at, facing
from afformer_sim.families.carpentry import (
    ABOUT,
    OUT,
    FrontHandle,
    assemble,
    ball,
    box,
    corners,
    cover,
    element_colour,
    moving_uses,
    panel_colour,
    rod,
    shaded,
    turning_use,
)

FORMS = ('cross', 'lever', 'knob')
_UPWARD = facing((0, 1, 0), (0, 0, -1))
# metres of all taps together; handles of wider ones would hardly be visible
_WIDEST = 0.72
_RED: Colour = (0.8, 0.1, 0.1)
_BLUE: Colour = (0.1, 0.2, 0.8)


@dataclass(frozen=True)
class _Tap:
    """Looks of the taps of one sink.

    Attributes:
        form: form of the handles, one of `FORMS`.
        reach: length of a cross's arms, radius of a knob, or length of a lever, metres.
        level: height of the handles above their seat, metres.
        aside: distance from the spout to a handle, metres.
        handles: number of handles of one tap, 1 or 2.
        metal, colour: colours of pipes and of handles.
        pointing: direction of levers: `aside`, `near` (down on a wall) or `far` (up on a wall).
        dots: True if hot and cold are marked.
        spout: reach of the spout, metres.
    """

    form: str
    reach: float
    level: float
    aside: float
    handles: int
    metal: Colour
    colour: Colour
    pointing: str
    dots: bool
    spout: float


def generate(rng: np.random.Generator) -> Fixture:
    """Draw 1 to 3 taps with one or two handles each, on a sink's rim or the wall above it."""
    count = int(rng.choice([1, 2, 3], p=[0.4, 0.35, 0.25]))
    wall = bool(rng.random() < 0.35)
    deck = panel_colour(rng)
    while True:
        tap = _sample_tap(rng, deck, count, wall=wall)
        pitch = tap.handles * tap.aside + 2 * _width(tap) + 0.025
        if count * pitch <= _WIDEST:
            break
    handles = (-1, 1) if tap.handles == 2 else (int(rng.choice([-1, 1])),)
    wide = max(count * pitch / 2, 0.17) + 0.02
    deep = rng.uniform(0.34, 0.44)
    fixed, seat = _sink(rng, deck, (wide, deep), wall=wall)
    elements: list[Element] = []
    for number in range(count):
        pose = seat @ at((number - (count - 1) / 2) * pitch, 0, 0)
        fixed += [solid.moved(pose) for solid in _spout(tap, wall=wall)]
        for side in handles:
            axis = pose @ at(side * tap.aside, 0, 0)
            elements.append(_handle(rng, tap, axis, side))
            fixed += [solid.moved(axis) for solid in _valve(tap, side, wall=wall)]
    edge = wide - 0.04
    shown = np.array([[x, 0, z] for x in (-edge, edge) for z in (-0.5 * deep, -deep)])
    elevation = rng.uniform(12, 24) if wall else rng.uniform(20, 35)
    return assemble('faucets', elements, fixed, elevation, shown, rng.uniform(0, 0.2))


def _sample_tap(rng: np.random.Generator, deck: Colour, count: int, *, wall: bool) -> _Tap:
    form = str(rng.choice(FORMS))
    metal = element_colour(rng, deck)
    if rng.random() < 0.5:
        grey = rng.uniform(0.55, 0.85)
        metal = (grey, grey, grey)
    reach = {
        'cross': rng.uniform(0.03, 0.044),
        'lever': rng.uniform(0.085, 0.12),
        'knob': rng.uniform(0.022, 0.032),
    }[form]
    pointing = ['aside', 'near', 'near', 'far'] if wall else ['aside', 'near']
    return _Tap(
        form,
        reach,
        level=rng.uniform(0.045, 0.065),
        aside=rng.uniform(0.075, 0.12),
        handles=2 if count == 1 else int(rng.choice([1, 2])),
        metal=metal,
        colour=metal if rng.random() < 0.5 else element_colour(rng, deck),
        pointing=str(rng.choice(pointing)),
        dots=bool(rng.random() < 0.6),
        spout=rng.uniform(0.1, 0.16),
    )


def _width(tap: _Tap) -> float:
    """Return the sideways reach of a handle from its axis, turned by at most 0.8 radians."""
    return 0.75 * tap.reach if tap.form == 'lever' and tap.pointing != 'aside' else tap.reach


def _handle(rng: np.random.Generator, tap: _Tap, axis: Pose, side: int) -> Element:
    """Build a handle that turns about z of `axis`."""
    ink = shaded(tap.colour, 0.7 if sum(tap.colour) < 1.5 else -0.7)
    mark = (_RED if side < 0 else _BLUE) if tap.dots else ink
    if tap.form == 'lever':
        return _lever(rng, tap, axis, side, mark)
    head = _cross(tap, mark) if tap.form == 'cross' else _knob(tap, mark)
    stem = rod((0, 0, 0.002), (0, 0, tap.level), 0.007, shaded(tap.metal, -0.2))
    uses = (
        turning_use(rng, head.grips, ABOUT),
        *moving_uses(head.grips, OUT, rng.uniform(0.032, 0.042)),
    )
    return head.element('tap', axis, (stem,), uses)


def _cross(tap: _Tap, mark: Colour) -> FrontHandle:
    level, reach = tap.level, tap.reach
    top = level + 0.011
    parts = [
        rod((0, 0, level - 0.008), (0, 0, level + 0.01), 0.011, tap.colour),
        rod((-reach, 0, level), (reach, 0, level), 0.0055, tap.colour, rounded=True),
        rod((0, -reach, level), (0, reach, level), 0.0055, tap.colour, rounded=True),
        rod((0, 0, level), (0, 0, top), 0.007, mark),
    ]
    return FrontHandle.pinched(parts, Pinch(0.8 * reach, level, top), 0.7 * reach)


def _knob(tap: _Tap, mark: Colour) -> FrontHandle:
    """Build a round knob with lobes, so that its rotation is visible."""
    level, reach = tap.level, tap.reach
    low, top = level - 0.013, level + 0.013
    parts = [rod((0, 0, low), (0, 0, top), 0.8 * reach, tap.colour)]
    for angle in np.arange(5) * 2 * math.pi / 5:
        x, y = 0.72 * reach * math.cos(angle), 0.72 * reach * math.sin(angle)
        parts.append(rod((x, y, low), (x, y, top), 0.28 * reach, shaded(tap.colour, -0.15)))
    parts.append(box((0, 0.4 * reach, top), (0.15 * reach, 0.4 * reach, 0.0008), mark))
    return FrontHandle.pinched(parts, Pinch(reach, level, top), 0.75 * reach)


def _lever(rng: np.random.Generator, tap: _Tap, axis: Pose, side: int, mark: Colour) -> Element:
    """Build an arm on a hub, which turns and lifts; its frame is under the middle of the arm."""
    ways = {'aside': (side, 0, 0), 'near': (0, -1, 0), 'far': (0, 1, 0)}
    along = np.array(ways[tap.pointing], float)
    level, hub, thick = tap.level, 0.015, 0.0078
    half = (tap.reach - hub) / 2
    middle = (hub + half) * along
    height = np.array([0, 0, level])
    ends = height - half * along - 0.008 * along, height + half * along
    solids = (
        rod(*ends, thick, tap.colour, rounded=True),
        rod(-middle + height * 0.5, -middle + height * 1.25, hub, tap.colour),
        rod(-middle + height, -middle + height * 1.25 + [0, 0, 0.001], 0.5 * hub, mark),
    )
    vertical = tap.pointing != 'aside'
    across, up = (thick, half) if vertical else (half, thick)
    x, y, z = (height - middle).tolist()
    pivot = (x, y, z)
    sideways = (float(along[1]), -float(along[0]), 0.0)
    grips = (Hook(2 * half, thick, level, vertical),)
    uses = (
        turning_use(rng, grips, Joint((0.0, 0.0, 1.0), True, pivot)),
        *moving_uses(grips, Joint(sideways, True, pivot), rng.uniform(0.65, 0.8)),
    )
    # between the top and the side towards the user, both of which are visible
    front = Front((0.0, -0.7 * thick, level + 0.7 * thick), across, up)
    return Element('tap', axis @ at(*middle), solids, corners(solids[:1]), front, uses)


def _valve(tap: _Tap, side: int, *, wall: bool) -> list[Solid]:
    """Build the seat of a handle, around z."""
    foot = 0.45 * tap.level
    solids = [
        rod((0, 0, 0), (0, 0, foot), 0.012, tap.metal),
        rod((0, 0, 0), (0, 0, 0.006), 0.021, tap.metal),
    ]
    if wall:
        pipe = (0, 0, 0.5 * foot), (-side * tap.aside, 0, 0.5 * foot)
        solids.append(rod(*pipe, 0.007, tap.metal))
    return solids


def _spout(tap: _Tap, *, wall: bool) -> list[Solid]:
    """Build the pipe in the middle of a tap.

    It starts on the plane z = 0, whose y is up or away from the user.
    """
    reach = tap.spout
    line = [(0, 0, 0), (0, 0, reach), (0, -0.03, reach + 0.02)]
    if not wall:
        high = 0.9 * reach
        line = [(0, 0, 0), (0, 0, high), (0, -0.3 * reach, 1.25 * high)]
        line += [(0, -0.8 * reach, 1.2 * high), (0, -reach, 0.9 * high)]
    pipes = [rod(start, end, 0.012, tap.metal) for start, end in pairwise(line)]
    elbows = [ball(point, (0.012, 0.012, 0.012), tap.metal) for point in line[1:-1]]
    return [rod((0, 0, 0), (0, 0, 0.008), 0.024, tap.metal), *pipes, *elbows]


def _sink(
    rng: np.random.Generator, deck: Colour, size: tuple[float, float], *, wall: bool
) -> tuple[list[Solid], Pose]:
    """Build the sink, with its upper side at y = 0 and its front at z = 0.

    Args:
        deck: colour of the sink.
        size: half its width, and its depth.
        wall: True if the taps sit on a wall behind it.

    Returns:
        its solids, and the frame of the taps.
    """
    wide, deep = size
    surface, colour = cover(rng, deck)
    rim, shelf, side = 0.03, 0.05 if wall else 0.115, 0.035
    thick, sunk = 0.012, rng.uniform(0.1, 0.16)
    basin = shaded(panel_colour(rng), 0.5) if rng.random() < 0.5 else deck
    inner = (-rim - (deep - shelf)) / 2
    length = (deep - shelf - rim) / 2
    solids = [
        box((0, -thick, -rim / 2), (wide, thick, rim / 2), colour, surface),
        box((0, -thick, -deep + shelf / 2), (wide, thick, shelf / 2), colour, surface),
        box((0, -sunk / 2 - thick, 0.004), (wide, sunk / 2 + thick, 0.004), shaded(colour, -0.1)),
        box((0, -sunk, inner), (wide, 0.004, length), basin),
        box((0, -sunk / 2, -deep + shelf), (wide, sunk / 2, 0.004), shaded(basin, -0.15)),
        rod((0, -sunk, inner), (0, -sunk + 0.006, inner), 0.022, (0.25, 0.25, 0.26)),
    ]
    for sign in (-1, 1):
        strip = (sign * (wide - side / 2), -thick, inner)
        solids.append(box(strip, (side / 2, thick, length), colour, surface))
        flank = (sign * (wide - side), -sunk / 2, inner)
        solids.append(box(flank, (0.004, sunk / 2, length), shaded(basin, -0.1)))
    if wall:
        high = rng.uniform(0.15, 0.2)
        tiles, colour = cover(rng, panel_colour(rng))
        back = (0, high / 2 + 0.07, -deep - 0.006)
        solids.append(box(back, (wide, high / 2 + 0.07, 0.006), colour, tiles))
        return solids, at(0, high, -deep)
    return solids, Pose(np.array([0, 0, -deep + 0.055]), _UPWARD)
