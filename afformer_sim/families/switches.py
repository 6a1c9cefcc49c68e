# SPDX-License-Identifier: Apache-2.0
"""Families `levers` and `switchboard`: parts on machine panels, consoles, boards and desks."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from afformer_sim.bodies.element import Element, Fingertip, Front, Hook, Joint, Pinch, Use
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.solid import Colour, Pose, Solid, at, spin
from afformer_sim.families.carpentry import (
    ABOUT,
    OUT,
    FrontHandle,
    assemble,
    ball,
    body_colour,
    box,
    contrasting_colour,
    corners,
    cover,
    element_colour,
    moving_uses,
    rod,
    shaded,
    turning_use,
)

HEADS = ('ball', 'sleeve', 'paddle', 'bar')
# Half the thickness of a paddle and of a bar, metres.
_PADDLE, _BAR = 0.008, 0.009


@dataclass(frozen=True)
class LeverStyle:
    """Common looks of several levers.

    Attributes:
        head: one of `HEADS`.
        length: distance from the hinge to the head's middle, metres.
        rod: radius of the rod, metres.
        size: radius of a ball or a sleeve, half the width of a paddle or half the length of a bar,
            metres.
        colour, metal: colours of head and rod.
        turns: True if the head can also be turned about the rod.
    """

    head: str
    length: float
    rod: float
    size: float
    colour: Colour
    metal: Colour
    turns: bool


@dataclass(frozen=True)
class _Board:
    """Board that carries the levers.

    Attributes:
        pose: frame of its front's middle, z outwards.
        width, height: size of its front, metres.
        depth: depth of the body behind, metres.
        near, far: angles in radians of a lever from the board's normal, pulled towards the user
            and pushed away.
    """

    pose: Pose
    width: float
    height: float
    depth: float
    near: float
    far: float


def levers(rng: np.random.Generator) -> Fixture:
    """Draw 2 to 8 levers in one or two rows on an upright panel or a console."""
    console = rng.random() < 0.4
    rows = 2 if rng.random() < 0.5 else 1
    columns = int(rng.integers(1 if rows == 2 else 2, 5))
    pitch = rng.uniform(0.085, 0.12)
    body = body_colour(rng)
    styles = [sample_lever(rng, body, 0.37 * pitch) for _ in range(1 if rng.random() < 0.7 else 2)]
    longest = max(style.length for style in styles)
    swing = rng.uniform(1.05, 1.25)
    tilt = rng.uniform(0.9, 1.35) if console else 0.0
    near, far = (0.5 * swing, -0.5 * swing) if console else (0.05, -swing)
    step = longest * (1.15 if console else 0.95) + 0.075
    down = not console and rng.random() < 0.4
    mixed = not console and rows == 1 and rng.random() < 0.5
    board = _Board(
        spin((1, 0, 0), -tilt),
        width=columns * pitch + 0.04,
        height=2 * longest + 0.09 if mixed else rows * step + 0.03,
        depth=rng.uniform(0.02, 0.05) if console else rng.uniform(0.05, 0.16),
        near=near,
        far=far,
    )
    levers, fixed = [], _machine(rng, board, body, console=console)
    for row in range(rows):
        for column in range(columns):
            x = (column - (columns - 1) / 2) * pitch
            y = ((rows - 1) / 2 - row) * step
            falls = bool(rng.random() < 0.5) if mixed else down
            if not console and not mixed:
                # space for the head when it lies on the panel
                y += (0.3 if falls else -0.3) * longest
            style = styles[row % len(styles)]
            pose = board.pose @ at(x, y, 0.0)
            levers.append(_lever(rng, style, board, pose, falls=falls))
            fixed += [solid.moved(pose) for solid in _mount(rng, style, body, longest)]
    points = corners(fixed[:1])
    elevation = rng.uniform(22, 34) if console else rng.uniform(6, 14)
    hang = 0.0 if console else rng.uniform(0.0, 0.3)
    return assemble('levers', levers, fixed, elevation, points, hang)


def sample_lever(rng: np.random.Generator, body: Colour, room: float) -> LeverStyle:
    """Draw a style whose heads reach at most `room` metres to either side."""
    head = str(rng.choice(HEADS))
    size = {
        'ball': rng.uniform(0.016, 0.022),
        'sleeve': rng.uniform(0.010, 0.014),
        'paddle': rng.uniform(0.013, 0.019),
        'bar': min(rng.uniform(0.03, 0.045), room),
    }[head]
    return LeverStyle(
        head,
        length=rng.uniform(0.085, 0.125),
        rod=rng.uniform(0.0045, 0.007),
        size=size,
        colour=element_colour(rng, body),
        metal=element_colour(rng, body),
        turns=head in ('paddle', 'bar') and bool(rng.random() < 0.6),
    )


def _lever(
    rng: np.random.Generator, style: LeverStyle, board: _Board, pose: Pose, *, falls: bool
) -> Element:
    """Build a lever hinged at `pose`; if it falls, it points down, not up, when pushed."""
    sign = -1.0 if falls else 1.0
    # turned about x by a negative angle, the rod leans to y: up, or away from the user
    rest = pose @ spin((1, 0, 0), sign * board.far)
    head = build_head(style)
    shaft = rod((0, 0, 0), (0, 0, style.length), style.rod, style.metal)
    hinge = Joint((sign, 0.0, 0.0), hinge=True)
    uses = moving_uses(head.grips, hinge, board.near - board.far)
    front = _seen_front(style, head.front, sign * board.far)
    if style.turns:
        uses += (turning_use(rng, head.grips, ABOUT),)
    return replace(head, front=front).element('lever', rest, (shaft,), uses)


def build_head(style: LeverStyle) -> FrontHandle:
    """Build the head on a rod along z that begins at the origin."""
    length, size, colour = style.length, style.size, style.colour
    if style.head == 'ball':
        parts = [ball((0, 0, length), (size, size, size), colour)]
        return FrontHandle.pinched(parts, Pinch(size, length, length + size), 0.7 * size)
    if style.head == 'sleeve':
        top = length + 0.024
        parts = [rod((0, 0, length - 0.024), (0, 0, top), size, colour, rounded=True)]
        return FrontHandle.pinched(parts, Pinch(size, length, top), 0.8 * size)
    if style.head == 'paddle':
        top, thick = length + 0.022, _PADDLE
        parts = [box((0, 0, length), (size, thick, 0.022), colour)]
        parts.append(box((0, 0, top), (0.3 * size, thick + 0.0006, 0.004), style.metal))
        # between its width and its thickness, because fingers may come from any side
        pinch = Pinch((size + thick) / 2, length, top)
        return FrontHandle.pinched(parts, pinch, size, thick)
    bar = rod((-size, 0, length), (size, 0, length), _BAR, colour, rounded=True)
    return FrontHandle.hooked([bar], Hook(2 * size, _BAR, length, False))


def _seen_front(style: LeverStyle, front: Front, lean: float) -> Front:
    """Return the side of a head that the user sees, for a rod at an angle `lean`.

    It lies between the end of the rod and the side towards the board's normal, so it is visible in
    every position of the lever.
    """
    out = {'paddle': _PADDLE, 'bar': _BAR}.get(style.head, style.size)
    along = style.length
    if style.head in ('ball', 'bar'):
        along += out * math.cos(lean / 2)
    return replace(front, centre=(0.0, out * math.sin(lean / 2), along))


def _mount(
    rng: np.random.Generator, style: LeverStyle, body: Colour, longest: float
) -> list[Solid]:
    """Build the plate around a lever's hinge, and perhaps a label."""
    plate = shaded(body, -0.4 if sum(body) > 0.9 else 0.3)
    wide, high = 0.024, 0.034
    solids = [
        box((0, 0, 0.001), (wide, high, 0.0015), plate),
        box((0, 0, 0.0025), (style.rod + 0.003, 0.8 * high, 0.0006), (0.03, 0.03, 0.03)),
        rod((-0.016, 0, 0), (0.016, 0, 0), style.rod + 0.004, style.metal),
    ]
    if rng.random() < 0.5:
        ink = contrasting_colour(rng, body)
        solids.append(box((0, -high - 0.009, 0.0005), (0.014, 0.004, 0.0006), ink))
    return solids


def _machine(
    rng: np.random.Generator, board: _Board, body: Colour, *, console: bool
) -> list[Solid]:
    """Build the front slab (first), and the parts that frame or carry it."""
    surface, colour = cover(rng, body)
    half = (board.width / 2, board.height / 2, board.depth / 2)
    slab = box((0, 0, -board.depth / 2), half, colour, surface).moved(board.pose)
    if console:
        return [slab, *_pedestal(rng, slab, half[0], body)]
    solids = [slab]
    if rng.random() < 0.5:
        rim, out = 0.008, rng.uniform(0.01, 0.03)
        dark = shaded(body, -0.2)
        for sign in (-1, 1):
            side = (sign * (half[0] + rim), 0, out - half[2])
            solids.append(box(side, (rim, half[1] + 2 * rim, half[2]), dark))
            end = (0, sign * (half[1] + rim), out - half[2])
            solids.append(box(end, (half[0], rim, half[2]), dark))
    for index in range(int(rng.integers(0, 5))):
        x, y = (index - 2) * 0.03, half[1] - 0.012
        solids.append(rod((x, y, 0), (x, y, 0.006), 0.006, element_colour(rng, body)))
    return solids


def _pedestal(rng: np.random.Generator, slab: Solid, wide: float, body: Colour) -> list[Solid]:
    """Build the support of a sloping slab: a body that ends inside it, on a foot."""
    points = slab.corners()
    deep = 0.3 * float(np.ptp(points[:, 2]))
    foot = float(points[:, 1].min()) - rng.uniform(0.01, 0.05)
    narrow = rng.uniform(0.55, 0.9) * wide
    return _support(slab, foot, (narrow, wide), (deep, 1.5 * deep), shaded(body, -0.3))


def _support(
    slab: Solid, foot: float, wide: tuple[float, float], deep: tuple[float, float], colour: Colour
) -> list[Solid]:
    """Build a body that ends inside a sloping slab, on a foot at a height, by half extents."""
    middle, normal = slab.pose.position, slab.pose.rotation[:, 2]
    upright = (float(middle[1] - deep[0] * normal[2] / normal[1]) - foot) / 2
    return [
        box((0, foot + upright, middle[2]), (wide[0], upright, deep[0]), colour),
        box((0, foot, middle[2]), (wide[1], 0.008, deep[1]), colour),
    ]


_Built = tuple[Element, list[Solid]]
_DOWN = Joint((0.0, -1.0, 0.0))
_DARK: Colour = (0.04, 0.04, 0.04)


@dataclass(frozen=True)
class _Finish:
    """Common looks of the switches of one row.

    Attributes:
        colour, metal: colours of the touched part and of the rest.
        size: half the width of the touched part, metres.
        stroke: metres or, for rockers, radians.
        variant: 0 or 1, one of two shapes.
    """

    colour: Colour
    metal: Colour
    size: float
    stroke: float
    variant: int


def switchboard(rng: np.random.Generator) -> Fixture:
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
    fixed = _slab(rng, board, half, body, desk=desk)
    elements, top = [], half[1] - 0.015
    for sort, height in zip(order, heights, strict=True):
        kept = columns if rng.random() < 0.6 else int(rng.integers(1, columns + 1))
        row = _ROWS[sort]
        colours = element_colour(rng, body), element_colour(rng, body)
        extents = rng.uniform(*row.sizes), rng.uniform(*row.strokes)
        finish = _Finish(*colours, *extents, int(rng.integers(2)))
        for column in range(kept):
            x = (column - (kept - 1) / 2) * pitch
            pose = board @ at(x, top - height / 2, 0)
            element, parts = row.build(rng, finish, pose)
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
        ends = (-1.4 * size, 0, level), (1.4 * size, 0, level)
        bar = rod(*ends, 0.009, finish.colour, rounded=True)
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
    # nobody pushes a chain
    pull, _, *resting = moving_uses(head.grips, _DOWN, finish.stroke)
    return head.element('chain', middle, parts, (pull, *resting)), []


def _slab(
    rng: np.random.Generator, board: Pose, half: tuple[float, float], body: Colour, *, desk: bool
) -> list[Solid]:
    """Build the board (first) and, for a desk, its foot."""
    surface, colour = cover(rng, body)
    thick = 0.02 if desk else rng.uniform(0.02, 0.06)
    slab = box((0, 0, -thick), (*half, thick), colour, surface).moved(board)
    if not desk:
        return [slab]
    low = float(slab.corners()[:, 1].min()) - 0.012
    deep = 0.35 * half[1] * float(board.rotation[1, 2])
    wide = (0.8 * half[0], half[0])
    return [slab, *_support(slab, low, wide, (deep, 2 * deep), shaded(body, -0.35))]


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
