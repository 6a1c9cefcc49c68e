# SPDX-License-Identifier: Apache-2.0
"""Family `switchboard`: sliders, rocker switches, plungers and pull-chains on a board."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from afformer_sim.bodies.element import Element, Front, Joint, Use
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.grip import Fingertip, Hook, Pinch
from afformer_sim.bodies.pose import Pose, at, spin
from afformer_sim.bodies.solid import Colour, Solid
from afformer_sim.families.parts.carpentry import (
    ABOUT,
    OUT,
    FrontHandle,
    assemble,
    ball,
    body_colour,
    box,
    corners,
    cover,
    moving_uses,
    rod,
    shaded,
    turning_use,
)
from afformer_sim.textures.colours import contrasting_colour, element_colour

_Built = tuple[Element, list[Solid]]
_DOWN = Joint((0.0, -1.0, 0.0))
_DARK: Colour = (0.04, 0.04, 0.04)


@dataclass(frozen=True)
class _Finish:
    """Common looks of the switches of one row.

    Attributes:
        board, colour, metal: colours of the board, of the touched part, and of the rest.
        size: half the width of the touched part, metres.
        stroke: metres or, for rockers, radians.
        variant: 0 or 1, one of two shapes.
    """

    board: Colour
    colour: Colour
    metal: Colour
    size: float
    stroke: float
    variant: int


def generate(rng: np.random.Generator) -> Fixture:
    """Draw 3 to 14 switches of two or three sorts, on an upright board or a sloping desk."""
    desk = rng.random() < 0.5
    sorts = ['slider', 'rocker', 'plunger'] if desk else ['rocker', 'plunger', 'chain']
    order = [str(sort) for sort in rng.permutation(sorts)[: int(rng.integers(2, 4))]]
    if 'chain' in order:
        # they hang from the upper edge
        order.sort(key=lambda sort: sort != 'chain')
    body = body_colour(rng)
    columns = int(rng.integers(2, 5))
    pitch = rng.uniform(0.075, 0.105)
    heights = [_ROWS[sort].height for sort in order]
    half = (columns * pitch / 2 + 0.02, sum(heights) / 2 + 0.015)
    tilt = rng.uniform(0.65, 1.15) if desk else 0.0
    board = spin((1, 0, 0), -tilt)
    fixed = _body(rng, board, half, body, desk=desk)
    elements, top = [], half[1] - 0.015
    for sort, height in zip(order, heights, strict=True):
        kept = columns if rng.random() < 0.6 else int(rng.integers(1, columns + 1))
        finish = _sample_finish(rng, sort, body)
        for column in range(kept):
            x = (column - (kept - 1) / 2) * pitch
            pose = board @ at(x, top - height / 2, 0)
            element, parts = _ROWS[sort].build(rng, finish, pose)
            elements.append(element)
            fixed += [part.moved(pose) for part in parts]
        if sort == 'chain':
            size = (half[0], 0.5 * _CANOPY, 0.035)
            middle = (0, top + 0.5 * _CANOPY, 0.035)
            fixed.append(box(middle, size, shaded(body, -0.25)))
        top -= height
    shown = corners(fixed[:1])
    elevation = rng.uniform(18, 30) if desk else rng.uniform(4, 12)
    drop = 0.0 if desk else rng.uniform(0, 0.3)
    return assemble('switchboard', elements, fixed, elevation, shown, drop)


def _sample_finish(rng: np.random.Generator, sort: str, board: Colour) -> _Finish:
    row = _ROWS[sort]
    return _Finish(
        board,
        element_colour(rng, board),
        element_colour(rng, board),
        rng.uniform(*row.sizes),
        rng.uniform(*row.strokes),
        int(rng.integers(2)),
    )


def _slider(rng: np.random.Generator, finish: _Finish, pose: Pose) -> _Built:
    """Build a cap on a rail: pushed away from the user, pulled towards the user."""
    stroke, size, top = finish.stroke, finish.size, 0.03
    y = stroke / 2
    if finish.variant:
        cap = box((0, 0, 0.02), (size, 0.011, 0.01), finish.colour)
    else:
        cap = rod((0, 0, 0.01), (0, 0, top), 0.9 * size, finish.colour)
    stalk = box((0, 0, 0.006), (0.004, 0.006, 0.006), finish.metal)
    line = contrasting_colour(rng, finish.colour)
    mark = box((0, 0, top), (0.7 * size, 0.0014, 0.0008), line)
    head = FrontHandle.pinched((cap, mark), Pinch(size, 0.022, top), 0.8 * size, 0.009)
    # at rest as far from the user as it goes, like a lever that was pushed
    uses = moving_uses(head.grips, _DOWN, stroke)
    element = head.element('slider', pose @ at(0, y, 0), (stalk,), uses)
    rail = box((0, 0, 0.001), (0.005, y + 0.012, 0.0012), _DARK)
    ticks = [
        box((0.85 * size, share * y, 0.0004), (0.004, 0.0008, 0.0006), finish.metal)
        for share in (-1, -0.5, 0, 0.5, 1)
    ]
    return element, [rail, *ticks]


def _rocker(rng: np.random.Generator, finish: _Finish, pose: Pose) -> _Built:
    """Build a rocker: the end that stands out is pushed in."""
    wide, high, thick, stroke = finish.size, 0.036, 0.009, finish.stroke
    upper = 1.0 if finish.variant else -1.0
    rest = pose @ at(0, 0, 0.024) @ spin((1, 0, 0), upper * stroke / 2)
    ink = contrasting_colour(rng, finish.colour)
    solids = (
        box((0, 0, 0), (wide, high, thick), finish.colour),
        box((0, upper * 0.6 * high, thick), (0.12 * wide, 0.012, 0.0008), ink),
    )
    joint = Joint((-upper, 0.0, 0.0), hinge=True)
    y = upper * 0.62 * high
    grips = (Fingertip(0.8 * wide, 0.3 * high, thick, 0.0, y),)
    uses = (
        Use('push', grips, joint, (0.0, 0.12 * stroke), (0.75 * stroke, stroke)),
        Use('touch', grips),
        Use('hold', grips),
    )
    front = Front((0.0, y, thick), 0.8 * wide, 0.3 * high)
    frame = [box((0, 0, 0.001), (wide, high, 0.0012), _DARK)]
    for sign in (-1, 1):
        flank = (sign * (wide + 0.005), 0, 0.011)
        frame.append(box(flank, (0.0035, high + 0.009, 0.011), finish.metal))
        end = (0, sign * (high + 0.006), 0.006)
        frame.append(box(end, (wide + 0.002, 0.003, 0.006), finish.metal))
    return Element('rocker', rest, solids, corners(solids[:1]), front, uses), frame


def _plunger(rng: np.random.Generator, finish: _Finish, pose: Pose) -> _Built:
    """Build a rod with a head that slides out of the board; one with a bar also turns."""
    size, level = finish.size, 0.034
    stem = rod((0, 0, -finish.stroke), (0, 0, level), 0.006, finish.metal)
    if finish.variant:
        bar = rod(
            (-1.4 * size, 0, level), (1.4 * size, 0, level), 0.009, finish.colour, rounded=True
        )
        front = Front((0.0, 0.0, level + 0.009), 1.2 * size, 0.009)
        head = FrontHandle((bar,), front, (Hook(2.8 * size, 0.009, level, False),))
    else:
        cap = ball((0, 0, level), (size, size, 0.011), finish.colour)
        head = FrontHandle.pinched((cap,), Pinch(size, level, level + 0.011), 0.7 * size)
    uses = moving_uses(head.grips, OUT, finish.stroke)
    if finish.variant:
        uses += (turning_use(rng, head.grips, ABOUT),)
    element = head.element('plunger', pose, (stem,), uses)
    return element, [rod((0, 0, 0), (0, 0, 0.008), 0.016, shaded(finish.metal, -0.3))]


def _chain(rng: np.random.Generator, finish: _Finish, pose: Pose) -> _Built:
    """Build a cord out of the canopy above, with a grip at its end."""
    size, out, drop = finish.size, 0.036, rng.uniform(0.0, 0.04)
    up = 0.06 + drop
    middle = pose @ at(0, _ROWS['chain'].height / 2 - up, out)
    # its upper part is inside the canopy until it is pulled out
    parts = [rod((0, 0, 0), (0, up + finish.stroke, 0), 0.0028, finish.metal)]
    parts += [
        ball((0, share * up, 0), (0.0052, 0.0052, 0.0052), finish.metal)
        for share in (0.35, 0.55, 0.75, 0.95)
    ]
    if finish.variant:
        long = 1.7 * size
        grip = rod((-long, 0, 0), (long, 0, 0), 0.008, finish.colour, rounded=True)
        head = FrontHandle.hooked((grip,), Hook(2 * long, 0.008, 0.0, False))
    else:
        bell = ball((0, 0, 0), (0.8 * size, size, 0.8 * size), finish.colour)
        pinch = Pinch(0.8 * size, 0.0, 0.8 * size)
        head = FrontHandle.pinched((bell,), pinch, 0.6 * size, 0.7 * size)
    stroke = finish.stroke
    uses = (
        Use('pull', head.grips, _DOWN, (0.0, 0.15 * stroke), (0.65 * stroke, stroke)),
        Use('touch', head.grips),
        Use('hold', head.grips),
    )
    return head.element('chain', middle, parts, uses), []


def _body(
    rng: np.random.Generator, board: Pose, half: tuple[float, float], body: Colour, *, desk: bool
) -> list[Solid]:
    """Build the board (first) and, for a desk, its foot."""
    surface, colour = cover(rng, body)
    thick = 0.02 if desk else rng.uniform(0.02, 0.06)
    slab = box((0, 0, -thick), (*half, thick), colour, surface).moved(board)
    if not desk:
        return [slab]
    normal = board.rotation[:, 2]
    low = float(slab.corners()[:, 1].min()) - 0.012
    deep = 0.35 * half[1] * float(normal[1])
    middle = slab.pose.position
    upright = (float(middle[1] - deep * normal[2] / normal[1]) - low) / 2
    dark = shaded(body, -0.35)
    return [
        slab,
        box((0, low + upright, middle[2]), (0.8 * half[0], upright, deep), dark),
        box((0, low, middle[2]), (half[0], 0.008, 2 * deep), dark),
    ]


@dataclass(frozen=True)
class _Row:
    """Properties of one sort of switches: height on the board, ranges, and builder."""

    height: float
    sizes: tuple[float, float]
    strokes: tuple[float, float]
    build: Callable[[np.random.Generator, _Finish, Pose], _Built]


_CANOPY = 0.09
_ROWS = {
    'slider': _Row(0.125, (0.012, 0.018), (0.06, 0.085), _slider),
    'rocker': _Row(0.105, (0.018, 0.028), (0.5, 0.72), _rocker),
    'plunger': _Row(0.085, (0.015, 0.021), (0.04, 0.065), _plunger),
    'chain': _Row(0.2, (0.014, 0.018), (0.045, 0.075), _chain),
}
