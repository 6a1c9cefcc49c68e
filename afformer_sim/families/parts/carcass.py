# SPDX-License-Identifier: Apache-2.0
"""Carcasses of cabinets: boards, compartments, the objects in them, and controls beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from afformer_sim.bodies.solid import Colour, Solid
from afformer_sim.families.parts.carpentry import box, cover, rod, shaded
from afformer_sim.textures.colours import contrasting_colour, element_colour

GLASS: Colour = (0.05, 0.06, 0.07)
# metres between a door and the edge of its cell
GAP = 0.003
# space for controls, metres
CONTROLS_ABOVE = 0.06
CONTROLS_BESIDE = 0.1


@dataclass(frozen=True)
class DoorCell:
    """Area of one door: its middle and extent, and the side of its hinge.

    Attributes:
        x, y, width, height: metres.
        hinge: `left`, `right` or `bottom`.
    """

    x: float
    y: float
    width: float
    height: float
    hinge: str


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
    rng: np.random.Generator, cells: list[DoorCell], cabinet: Cabinet, body: Colour
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
    rng: np.random.Generator, cell: DoorCell, cabinet: Cabinet, face: float
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
    rng: np.random.Generator, cell: DoorCell, cabinet: Cabinet, face: float
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
