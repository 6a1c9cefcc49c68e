# SPDX-License-Identifier: Apache-2.0
"""Family `doors`: cupboards, refrigerators, ovens and microwaves."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from afformer_sim.bodies.element import Element, Joint
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.pose import at
from afformer_sim.bodies.solid import Colour, Solid
from afformer_sim.families.parts.carcass import (
    CONTROLS_ABOVE,
    CONTROLS_BESIDE,
    GAP,
    GLASS,
    Cabinet,
    DoorCell,
    build_carcass,
)
from afformer_sim.families.parts.carpentry import (
    assemble,
    body_colour,
    box,
    corners,
    cover,
    shaded,
)
from afformer_sim.families.parts.handles import (
    BARS,
    KNOBS,
    FrontHandle,
    HandleStyle,
    moving_uses,
    sample_style,
)
from afformer_sim.textures.colours import element_colour

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


def _lay_out(rng: np.random.Generator, kind: _Kind) -> list[DoorCell]:
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
    for height in heights:
        for column in range(columns):
            x = (column - (columns - 1) / 2) * (width + aside) - aside / 2
            left = column % 2 == 0 if paired else bool(rng.random() < 0.5)
            hinge = 'left' if left or kind is _MICROWAVE else 'right'
            if kind is _OVEN:
                hinge = 'bottom'
            cells.append(DoorCell(x, top - above - float(height) / 2, width, float(height), hinge))
        top -= float(height) + above
    return cells


def _door(
    rng: np.random.Generator, cell: DoorCell, cabinet: Cabinet, style: HandleStyle, raised: float
) -> Element:
    wide, high = cell.width / 2 - GAP, cell.height / 2 - GAP
    if cell.hinge == 'bottom':
        handle = style.build(1.7 * wide, 0.4 * high)
        x, y = 0.0, high - 0.03
        joint = Joint((1.0, 0.0, 0.0), hinge=True, pivot=(0.0, -high - y, 0.0))
    else:
        handle = style.build(0.7 * wide, 1.3 * high)
        side = 1 if cell.hinge == 'left' else -1
        reach_x, reach_y = (float(reach) for reach in np.abs(handle.hull[:, :2]).max(axis=0))
        x = side * (wide - max(reach_x, 0.01) - 0.01)
        y = raised * (high - reach_y - 0.012)
        joint = Joint((0.0, -float(side), 0.0), hinge=True, pivot=(-side * wide - x, 0.0, 0.0))
    solids = (*handle.solids, *_leaf(cell, cabinet, handle, (wide, high), (x, y)))
    uses = moving_uses(handle.grips, joint, rng.uniform(0.6, 0.9))
    pose = at(cell.x + x, cell.y + y, 0)
    return Element('door', pose, solids, handle.hull, handle.front, uses)


def _leaf(
    cell: DoorCell,
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
    cut_x, cut_y = (0.0, reach_y + 0.025) if cell.hinge == 'bottom' else (reach_x + 0.01, 0.0)
    margin = 0.025
    size = (wide - margin - cut_x, high - margin - cut_y, 0.0015)
    if min(size) > 0:
        middle = (x - float(np.sign(handle_at[0])) * cut_x, y - cut_y, 0)
        if cabinet.inlay == 'glass':
            leaf.append(box(middle, size, GLASS, shininess=0.9))
        else:
            leaf.append(box(middle, size, shaded(cabinet.front, -0.15), cabinet.surface))
    return leaf
