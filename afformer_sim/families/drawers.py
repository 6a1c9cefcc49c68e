# SPDX-License-Identifier: Apache-2.0
"""Family `drawers`: chests and cabinets of drawers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from afformer_sim.bodies.element import Element
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.solid import Colour, Solid, at
from afformer_sim.families.carpentry import (
    OUT,
    FrontCell,
    HandleStyle,
    assemble,
    ball,
    body_colour,
    box,
    corners,
    cover,
    element_colour,
    moving_uses,
    rod,
    sample_style,
    shaded,
)

_LEAST_WIDTH = 0.14
_BOARD = 0.006


@dataclass(frozen=True)
class _Finish:
    """Looks of the drawers of one chest.

    Attributes:
        front, inside: colours.
        surface: index of the texture on the fronts, or None.
        thickness: thickness of a front.
        panelled: True for a smaller plate on each front.
        raised: height of the handle, as a share of the way from a front's middle to its upper
            edge.
        depth: depth of a drawer behind its front.
        full: share of the drawers with an object in them.
    """

    front: Colour
    inside: Colour
    surface: int | None
    thickness: float
    panelled: bool
    raised: float
    depth: float
    full: float


def generate(rng: np.random.Generator) -> Fixture:
    """Draw a chest of 2 to 9 drawers in rows, most of its handles alike."""
    cells = _lay_out(rng)
    body = body_colour(rng)
    same = rng.random() < 0.4
    surface, front = cover(rng, body if same else element_colour(rng, body))
    depth = rng.uniform(0.26, 0.42)
    finish = _Finish(
        front,
        shaded(body_colour(rng), 0.35),
        surface,
        thickness=rng.uniform(0.012, 0.02),
        panelled=bool(rng.random() < 0.35),
        raised=float(rng.choice([0.0, 0.0, 0.3])),
        depth=depth - 0.06,
        full=rng.uniform(0, 0.6),
    )
    # an upright bar on a low front would reach from edge to edge
    upright = None if min(cell.height for cell in cells) > 0.12 else False
    count = 2 if rng.random() < 0.25 else 1
    styles = [sample_style(rng, front, vertical=upright) for _ in range(count)]
    drawers = [_drawer(rng, cell, finish, styles[cell.group % len(styles)]) for cell in cells]
    fixed = _chest(rng, cells, finish, body, depth)
    front_corners = corners(fixed[:1])
    shown = front_corners[front_corners[:, 2] > -depth / 2]
    return assemble('drawers', drawers, fixed, 8.0, shown)


def _lay_out(rng: np.random.Generator) -> list[FrontCell]:
    """Lay out 2 to 9 cells around the origin; each row is as wide as the chest."""
    while True:
        rows, columns = int(rng.integers(1, 6)), int(rng.integers(1, 4))
        counts = np.full(rows, columns)
        if rng.random() < 0.3:
            counts[0] = int(rng.integers(1, 4))
        width = columns * rng.uniform(0.17, 0.34)
        heights = np.full(rows, rng.uniform(0.09, 0.17))
        if rng.random() < 0.3:
            heights *= np.linspace(0.8, 1.35, rows)
        if (
            2 <= counts.sum() <= 9
            and width <= 0.75
            and width / counts.max() >= _LEAST_WIDTH
            and heights.sum() <= 0.75
            and heights.min() >= 0.075
        ):
            break
    cells, top = [], float(heights.sum()) / 2
    for row, (count, height) in enumerate(zip(counts.tolist(), heights.tolist(), strict=True)):
        across = width / count
        for column in range(count):
            x = (column + 0.5) * across - width / 2
            cells.append(FrontCell(x, top - height / 2, across, height, row))
        top -= height
    return cells


def _drawer(
    rng: np.random.Generator, cell: FrontCell, finish: _Finish, style: HandleStyle
) -> Element:
    gap = 0.003
    wide, high = cell.width / 2 - gap, cell.height / 2 - gap
    handle = style.build(0.75 * cell.width, 0.58 * cell.height)
    extent = float(handle.hull[:, 1].max())
    up = min(finish.raised * high, max(high - extent - 0.006, 0.0))
    stroke = float(np.clip(rng.uniform(0.5, 0.75) * cell.width, 0.07, finish.depth - 0.06))
    stroke = min(stroke, 0.18)
    solids = _tray(rng, cell, finish, wide, high - 0.008, up)
    middle, half = (0, -up, -finish.thickness / 2), (wide, high, finish.thickness / 2)
    solids.append(box(middle, half, finish.front, finish.surface))
    if finish.panelled:
        middle = (0, -up, -0.001)
        plate = shaded(finish.front, -0.12)
        solids.append(box(middle, (wide - 0.016, high - 0.016, 0.0016), plate, finish.surface))
    uses = moving_uses(handle.grips, OUT, stroke)
    pose = at(cell.x, cell.y + up, 0)
    return Element('drawer', pose, (*handle.solids, *solids), handle.hull, handle.front, uses)


def _tray(
    rng: np.random.Generator, cell: FrontCell, finish: _Finish, wide: float, high: float, up: float
) -> list[Solid]:
    """Build the open box behind a front, perhaps with an object in it."""
    wide -= 0.01
    low, top = -up - high, -up + 0.55 * high
    front, back = -finish.thickness, -finish.thickness - finish.depth
    middle, half = (front + back) / 2, finish.depth / 2
    inside, side = finish.inside, shaded(finish.inside, -0.12)
    tray = [
        box((0, low + _BOARD / 2, middle), (wide, _BOARD / 2, half), inside),
        box((0, (low + top) / 2, back), (wide, (top - low) / 2, _BOARD / 2), side),
    ]
    for x in (-(wide - _BOARD / 2), wide - _BOARD / 2):
        wall = (_BOARD / 2, (top - low) / 2, half)
        tray.append(box((x, (low + top) / 2, middle), wall, side))
    if rng.random() < finish.full:
        size = np.array([rng.uniform(0.3, 0.7) * wide, 0.7 * (top - low) / 2, 0.03])
        x = rng.uniform(-1, 1) * (0.9 * wide - size[0])
        pose = (x, low + _BOARD + size[1], front - 0.01 - size[2])
        tray.append(box(pose, size, element_colour(rng, inside)))
    return tray


def _chest(
    rng: np.random.Generator, cells: list[FrontCell], finish: _Finish, body: Colour, depth: float
) -> list[Solid]:
    """Build the chest, with its front just behind the drawers; the first solid is its body."""
    inset = rng.random() < 0.4
    face = -0.3 * finish.thickness if inset else -finish.thickness
    frame = rng.uniform(0.012, 0.03) if inset else rng.uniform(0.004, 0.012)
    wide = max(cell.x + cell.width / 2 for cell in cells) + frame
    high = max(cell.y + cell.height / 2 for cell in cells) + frame
    low = -high
    surface, colour = cover(rng, body)
    back = face - depth
    middle = (0, 0, (face + back) / 2)
    solids = [box(middle, (wide, high, depth / 2), colour, surface)]
    for cell in cells:
        # the dark interior that is visible over an open drawer
        size = (cell.width / 2 - 0.008, cell.height / 2 - 0.008, 0.0006)
        dark = shaded(finish.inside, -0.85)
        solids.append(box((cell.x, cell.y, face), size, dark))
    if rng.random() < 0.6:
        over = rng.uniform(0, 0.015)
        thick = rng.uniform(0.008, 0.014)
        size = (wide + over, thick, depth / 2 + over / 2)
        pose = (0, high + thick, middle[2] + over / 2)
        solids.append(box(pose, size, shaded(colour, -0.15), surface))
        high += 2 * thick
    solids += _feet(rng, wide, low, face, back, body)
    return solids + _ornaments(rng, wide, high, middle[2])


def _feet(
    rng: np.random.Generator, wide: float, low: float, face: float, back: float, body: Colour
) -> list[Solid]:
    dark = shaded(body, -0.45)
    kind = str(rng.choice(['plinth', 'feet', 'none']))
    tall = rng.uniform(0.015, 0.05)
    if kind == 'plinth':
        half = (wide - 0.008, tall / 2, (face - back) / 2 - 0.008)
        return [box((0, low - tall / 2, (face + back) / 2), half, dark)]
    if kind == 'feet':
        return [
            rod((x, low, z), (x, low - tall, z), 0.014, dark)
            for x in (-wide + 0.025, wide - 0.025)
            for z in (face - 0.025, back + 0.025)
        ]
    return []


def _ornaments(rng: np.random.Generator, wide: float, top: float, z: float) -> list[Solid]:
    """Build up to two objects on top of the chest."""
    ornaments = []
    for side in (-1, 1):
        if rng.random() < 0.5:
            continue
        x = side * rng.uniform(0.35, 0.7) * wide
        colour = body_colour(rng)
        width, height = rng.uniform(0.02, 0.04), rng.uniform(0.02, 0.06)
        shape = str(rng.choice(['box', 'can', 'ball']))
        if shape == 'box':
            ornaments.append(box((x, top + height, z), (width, height, width), colour))
        elif shape == 'can':
            ornaments.append(rod((x, top, z), (x, top + 2 * height, z), width, colour))
        else:
            ornaments.append(ball((x, top + width, z), (width, width, width), colour))
    return ornaments
