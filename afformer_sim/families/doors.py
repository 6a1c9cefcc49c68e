# SPDX-License-Identifier: Apache-2.0
"""Family `doors`: cupboards, refrigerators, ovens and microwaves."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from afformer_sim.bodies.element import Element, Joint
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.solid import Colour, Solid, at
from afformer_sim.families.carpentry import (
    BARS,
    KNOBS,
    FrontCell,
    FrontHandle,
    HandleStyle,
    assemble,
    body_colour,
    box,
    contrasting_colour,
    corners,
    cover,
    element_colour,
    moving_uses,
    rod,
    sample_style,
    shaded,
)

GLASS: Colour = (0.05, 0.06, 0.07)
# Sides of a door's hinge, as groups of cells.
_LEFT, _RIGHT, _BOTTOM = range(3)
# metres between a door and the edge of its cell
GAP = 0.003
# space for controls, metres
CONTROLS_ABOVE = 0.06
CONTROLS_BESIDE = 0.1


@dataclass(frozen=True, kw_only=True)
class Cabinet:
    """Common properties of the doors of one fixture.

    Attributes:
        front, inside: colours.
        surface: index of the texture on the doors, or None.
        thickness: thickness of a door, metres.
        depth: depth behind the doors, metres.
        inlay: part set into each door: `none`, `plate` (raised), or `glass`.
        controls: position of keys that are not operated: `none`, `above` or `beside` a door.
        filled: share of the shelves with objects on them.
    """

    front: Colour
    inside: Colour
    surface: int | None
    thickness: float
    depth: float
    inlay: str
    controls: str
    filled: float


def build_carcass(
    rng: np.random.Generator, cells: list[FrontCell], cabinet: Cabinet, body: Colour
) -> list[Solid]:
    """Build the boards around and between the doors' compartments, and their contents."""
    frame = rng.uniform(0.008, 0.02)
    face = -cabinet.thickness - 0.001
    beside = CONTROLS_BESIDE if cabinet.controls == 'beside' else 0.0
    above = CONTROLS_ABOVE if cabinet.controls == 'above' else 0.0
    left = min(cell.x - cell.width / 2 for cell in cells) - frame
    right = max(cell.x + cell.width / 2 for cell in cells) + beside + frame
    low = min(cell.y - cell.height / 2 for cell in cells) - frame
    high = max(cell.y + cell.height / 2 for cell in cells) + above + frame
    middle = ((left + right) / 2, (low + high) / 2, face - cabinet.depth / 2)
    half = ((right - left) / 2, (high - low) / 2, cabinet.depth / 2)
    surface, colour = cover(rng, body)
    back = (middle[0], middle[1], face - cabinet.depth - 0.004)
    solids = [box(back, (half[0], half[1], 0.004), cabinet.inside)]
    for x in (left + frame / 2, right - frame / 2):
        solids.append(box((x, middle[1], middle[2]), (frame / 2, *half[1:]), colour, surface))
    for y in (low + frame / 2, high - frame / 2):
        size = (half[0], frame / 2, half[2])
        solids.append(box((middle[0], y, middle[2]), size, colour, surface))
    for cell in cells:
        solids += _compartment(rng, cell, cabinet, face)
        if cabinet.controls != 'none':
            solids += _controls(rng, cell, cabinet, face)
    return solids + _legs(rng, (left, right), low, (face, face - cabinet.depth), body)


def _compartment(
    rng: np.random.Generator, cell: FrontCell, cabinet: Cabinet, face: float
) -> list[Solid]:
    """Build walls to the neighbours, a shelf, and perhaps objects on it."""
    board, middle = 0.004, face - cabinet.depth / 2
    wide, high = cell.width / 2, cell.height / 2
    solids = []
    for sign in (-1, 1):
        wall = (cell.x + sign * (wide - board), cell.y, middle)
        solids.append(box(wall, (board, high, cabinet.depth / 2), cabinet.inside))
        floor = (cell.x, cell.y + sign * (high - board), middle)
        solids.append(box(floor, (wide, board, cabinet.depth / 2), cabinet.inside))
    levels = [cell.y - high + 2 * board]
    if cell.height > 0.15:
        shelf = (cell.x, cell.y, middle - 0.01)
        size = (wide, 0.003, cabinet.depth / 2 - 0.02)
        solids.append(box(shelf, size, shaded(cabinet.inside, -0.2)))
        levels.append(cell.y + 0.003)
    for level in levels:
        if rng.random() < cabinet.filled:
            x = cell.x + rng.uniform(-0.45, 0.45) * wide
            solids.append(_stored_solid(rng, cabinet, (x, level, middle), (wide, high)))
    return solids


def _stored_solid(
    rng: np.random.Generator,
    cabinet: Cabinet,
    position: tuple[float, float, float],
    room: tuple[float, float],
) -> Solid:
    """Build a box or a can that stands at a position."""
    x, y, z = position
    half, tall = rng.uniform(0.2, 0.35) * room[0], rng.uniform(0.2, 0.32) * room[1]
    colour = element_colour(rng, cabinet.inside)
    if rng.random() < 0.5:
        return box((x, y + tall, z), (half, tall, 0.03), colour)
    return rod((x, y, z), (x, y + 2 * tall, z), min(half, 0.05), colour)


def _controls(
    rng: np.random.Generator, cell: FrontCell, cabinet: Cabinet, face: float
) -> list[Solid]:
    """Build a plate with a display and flat, unused keys above or beside a door."""
    above = cabinet.controls == 'above'
    if above:
        x, y = cell.x, cell.y + cell.height / 2 + CONTROLS_ABOVE / 2
        half = (cell.width / 2 - GAP, CONTROLS_ABOVE / 2 - GAP)
    else:
        x, y = cell.x + (cell.width + CONTROLS_BESIDE) / 2, cell.y
        half = (CONTROLS_BESIDE / 2 - GAP, cell.height / 2 - GAP)
    thick = cabinet.thickness / 2
    colour = shaded(cabinet.front, rng.uniform(-0.5, 0.3))
    ink = contrasting_colour(rng, colour)
    solids = [box((x, y, face + thick), (*half, thick), colour)]
    top = face + 2 * thick
    if above:
        solids.append(box((x, y, top), (0.2 * half[0], 0.5 * half[1], 0.001), GLASS))
        positions = [(x + share * half[0], y) for share in (-0.8, -0.5, 0.5, 0.8)]
    else:
        solids.append(box((x, y + 0.7 * half[1], top), (0.8 * half[0], 0.014, 0.001), GLASS))
        positions = [
            (x + across * 0.45 * half[0], y + down * half[1])
            for across in (-1, 1)
            for down in (0.25, -0.15, -0.55)
        ]
    solids += [box((px, py, top), (0.011, 0.009, 0.001), ink) for px, py in positions]
    return solids


def _legs(
    rng: np.random.Generator,
    sides: tuple[float, float],
    low: float,
    ends: tuple[float, float],
    body: Colour,
) -> list[Solid]:
    if rng.random() < 0.5:
        return []
    tall = rng.uniform(0.01, 0.05)
    return [
        rod((x, low, z), (x, low - tall, z), 0.012, shaded(body, -0.4))
        for x in (sides[0] + 0.025, sides[1] - 0.025)
        for z in (ends[0] - 0.025, ends[1] + 0.025)
    ]


_Range = tuple[float, float]


@dataclass(frozen=True)
class _Kind:
    """Ranges and options of one kind of fixture with doors.

    Attributes:
        grids: possible (rows, columns) of doors.
        widths, heights, thickness: ranges for a door, metres.
        forms: forms of handles.
        vertical: True for upright handles, False for level ones, None for either.
        inlays: see `Cabinet.inlay`.
        controls: see `Cabinet.controls`.
        wooden: True if a texture may cover the fronts.
    """

    grids: tuple[tuple[int, int], ...]
    widths: _Range
    heights: _Range
    thickness: _Range
    forms: tuple[str, ...]
    vertical: bool | None
    inlays: tuple[str, ...]
    controls: str = 'none'
    wooden: bool = False


_CUPBOARD = _Kind(
    ((1, 2), (1, 3), (1, 4), (2, 1), (2, 2), (2, 3), (3, 1), (3, 2)),
    (0.17, 0.3),
    (0.18, 0.42),
    (0.014, 0.022),
    (*BARS, *KNOBS, 'recess'),
    None,
    ('none', 'none', 'plate', 'plate', 'glass'),
    wooden=True,
)
_FRIDGE = _Kind(
    ((1, 1), (1, 2), (2, 1), (2, 1), (2, 2)),
    (0.24, 0.34),
    (0.26, 0.4),
    (0.03, 0.045),
    BARS,
    True,
    ('none',),
)
_OVEN = _Kind(
    ((1, 1), (2, 1), (1, 2), (2, 2)),
    (0.34, 0.42),
    (0.2, 0.28),
    (0.025, 0.04),
    BARS,
    False,
    ('glass',),
    'above',
)
_MICROWAVE = _Kind(
    ((1, 1), (2, 1), (1, 2), (3, 1), (2, 2)),
    (0.26, 0.32),
    (0.16, 0.22),
    (0.025, 0.04),
    BARS,
    True,
    ('glass',),
    'beside',
)
_LONGEST = 0.85


def generate(rng: np.random.Generator) -> Fixture:
    """Draw 1 to 6 doors, mostly of one size and with handles that look alike."""
    kinds = (_CUPBOARD, _FRIDGE, _OVEN, _MICROWAVE)
    kind = kinds[int(rng.choice(4, p=[0.5, 0.2, 0.16, 0.14]))]
    cells = _lay_out(rng, kind)
    body = body_colour(rng)
    cabinet = _sample_cabinet(rng, kind, body)
    style = sample_style(rng, cabinet.front, kind.forms, vertical=kind.vertical)
    if kind is _OVEN:
        style = replace(style, length=rng.uniform(0.5, 0.85) * cells[0].width)
    # height of the handles above the middle, as a share of the way to the upper edge
    raised = float(rng.choice([0.0, rng.uniform(-0.9, 0.9)]))
    doors = [_door(rng, cell, cabinet, style, raised) for cell in cells]
    fixed = build_carcass(rng, cells, cabinet, body)
    points = corners(fixed)
    shown = points[points[:, 2] > -cabinet.depth / 2]
    hung = kind is _CUPBOARD and rng.random() < 0.4
    drop = rng.uniform(0.1, 0.4) if hung else 0.0
    return assemble('doors', doors, fixed, 8.0, shown, drop)


def _sample_cabinet(rng: np.random.Generator, kind: _Kind, body: Colour) -> Cabinet:
    colour = body if rng.random() < 0.55 else element_colour(rng, body)
    surface, front = cover(rng, colour) if kind.wooden else (None, colour)
    return Cabinet(
        front=front,
        inside=shaded(body_colour(rng), -0.6 if kind is _OVEN else 0.4),
        surface=surface,
        thickness=rng.uniform(*kind.thickness),
        depth=rng.uniform(0.16, 0.35),
        inlay=str(rng.choice(kind.inlays)),
        controls=kind.controls,
        filled=rng.uniform(0.2, 0.8),
    )


def _lay_out(rng: np.random.Generator, kind: _Kind) -> list[FrontCell]:
    """Lay out a grid of doors around the origin; two rows may differ in height."""
    aside = CONTROLS_BESIDE if kind.controls == 'beside' else 0.0
    above = CONTROLS_ABOVE if kind.controls == 'above' else 0.0
    rows, columns = kind.grids[int(rng.integers(len(kind.grids)))]
    width = min(rng.uniform(*kind.widths), _LONGEST / columns - aside)
    heights = np.full(rows, min(rng.uniform(*kind.heights), _LONGEST / rows - above))
    if rows == 2 and kind.wooden | (kind is _FRIDGE) and rng.random() < 0.4:
        heights *= [0.75, 1.25]
    paired = rng.random() < 0.7
    cells, top = [], float(heights.sum() + rows * above) / 2
    for height in heights.tolist():
        for column in range(columns):
            x = (column - (columns - 1) / 2) * (width + aside) - aside / 2
            left = column % 2 == 0 if paired else bool(rng.random() < 0.5)
            hinge = _LEFT if left or kind is _MICROWAVE else _RIGHT
            if kind is _OVEN:
                hinge = _BOTTOM
            cells.append(FrontCell(x, top - above - height / 2, width, height, hinge))
        top -= height + above
    return cells


def _door(
    rng: np.random.Generator, cell: FrontCell, cabinet: Cabinet, style: HandleStyle, raised: float
) -> Element:
    wide, high = cell.width / 2 - GAP, cell.height / 2 - GAP
    if cell.group == _BOTTOM:
        handle = style.build(1.7 * wide, 0.4 * high)
        x, y = 0.0, high - 0.03
        joint = Joint((1.0, 0.0, 0.0), hinge=True, pivot=(0.0, -high - y, 0.0))
    else:
        handle = style.build(0.7 * wide, 1.3 * high)
        side = 1 if cell.group == _LEFT else -1
        reach_x, reach_y = (float(reach) for reach in np.abs(handle.hull[:, :2]).max(axis=0))
        x = side * (wide - max(reach_x, 0.01) - 0.01)
        y = raised * (high - reach_y - 0.012)
        joint = Joint((0.0, -float(side), 0.0), hinge=True, pivot=(-side * wide - x, 0.0, 0.0))
    solids = (*handle.solids, *_leaf(cell, cabinet, handle, (wide, high), (x, y)))
    uses = moving_uses(handle.grips, joint, rng.uniform(0.6, 0.9))
    pose = at(cell.x + x, cell.y + y, 0)
    return Element('door', pose, solids, handle.hull, handle.front, uses)


def _leaf(
    cell: FrontCell,
    cabinet: Cabinet,
    handle: FrontHandle,
    half: tuple[float, float],
    handle_at: tuple[float, float],
) -> list[Solid]:
    """Build the door itself, and a plate or window beside or below its handle."""
    wide, high = half
    x, y = -handle_at[0], -handle_at[1]
    thick = cabinet.thickness / 2
    leaf = [box((x, y, -thick), (wide, high, thick), cabinet.front, cabinet.surface)]
    if cabinet.inlay == 'none':
        return leaf
    reach_x, reach_y = (float(reach) for reach in np.abs(handle.hull[:, :2]).max(axis=0))
    cut_x, cut_y = (0.0, reach_y + 0.025) if cell.group == _BOTTOM else (reach_x + 0.01, 0.0)
    margin = 0.025
    size = (wide - margin - cut_x, high - margin - cut_y, 0.0015)
    if min(size) > 0:
        middle = (x - float(np.sign(handle_at[0])) * cut_x, y - cut_y, 0)
        if cabinet.inlay == 'glass':
            leaf.append(box(middle, size, GLASS))
        else:
            leaf.append(box(middle, size, shaded(cabinet.front, -0.15), cabinet.surface))
    return leaf
