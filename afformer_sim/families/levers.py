# SPDX-License-Identifier: Apache-2.0
"""Family `levers`: levers on machine panels, in fuse boxes and on consoles."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from afformer_sim.bodies.element import Element, Front, Joint
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.grip import Hook, Pinch
from afformer_sim.bodies.pose import Pose, at, spin
from afformer_sim.bodies.solid import Colour, Solid
from afformer_sim.families.parts.carpentry import (
    ABOUT,
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


def generate(rng: np.random.Generator) -> Fixture:
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
    levers, fixed = [], _body(rng, board, body, console=console)
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


def _body(rng: np.random.Generator, board: _Board, body: Colour, *, console: bool) -> list[Solid]:
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
    low, middle = float(points[:, 1].min()), slab.pose.position
    deep = 0.3 * float(np.ptp(points[:, 2]))
    dark = shaded(body, -0.3)
    foot = low - rng.uniform(0.01, 0.05)
    normal = slab.pose.rotation[:, 2]
    upright = (float(middle[1] - deep * normal[2] / normal[1]) - foot) / 2
    narrow = rng.uniform(0.55, 0.9) * wide
    return [
        box((0, foot + upright, middle[2]), (narrow, upright, deep), dark),
        box((0, foot, middle[2]), (wide, 0.008, 1.5 * deep), dark),
    ]
