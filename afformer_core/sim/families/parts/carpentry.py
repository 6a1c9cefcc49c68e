# SPDX-License-Identifier: Apache-2.0
"""Solids by their places, and appliances out of them."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Iterable, Sequence

import numpy as np

from afformer_core.sim.bodies.appliance import Appliance
from afformer_core.sim.bodies.element import Element
from afformer_core.sim.bodies.pose import Pose, between
from afformer_core.sim.bodies.solid import Colour, Shape, Solid
from afformer_core.sim.textures.colours import panel_colour

Point = Sequence[float] | np.ndarray


def box(
    centre: Point, half: Point, colour: Colour, surface: int | None = None, shininess: float = 0.3
) -> Solid:
    """An upright box around `centre`, `half` its half extents along x, y, z."""
    x, y, z = (float(value) for value in half)
    place = Pose(np.array(centre, float), np.eye(3))
    return Solid(Shape.BOX, (x, y, z), colour, place, surface, shininess)


def rod(start: Point, end: Point, radius: float, colour: Colour, rounded: bool = False) -> Solid:
    """A cylinder from `start` to `end`; a rounded one is a capsule that is no longer than that.

    Raises:
        ValueError: the points are the same, or a rounded rod is shorter than it is thick.
    """
    length = math.dist(start, end)
    if length <= (2 * radius if rounded else 0):
        raise ValueError(f'a rod of radius {radius} cannot go from {start} to {end}')
    place = between(start, end)
    if rounded:
        return Solid(Shape.CAPSULE, (radius, length / 2 - radius), colour, place, None, 0.5)
    return Solid(Shape.CYLINDER, (radius, length / 2), colour, place, None, 0.5)


def ball(centre: Point, radii: Point, colour: Colour) -> Solid:
    """An ellipsoid around `centre`, its radii along x, y, z."""
    x, y, z = (float(value) for value in radii)
    place = Pose(np.array(centre, float), np.eye(3))
    return Solid(Shape.ELLIPSOID, (x, y, z), colour, place, None, 0.5)


def corners(solids: Iterable[Solid]) -> np.ndarray:
    """Points whose hull holds all the solids, float64 [P, 3]."""
    return np.concatenate([solid.corners() for solid in solids])


def shaded(colour: Colour, share: float) -> Colour:
    """The colour mixed with black (`share` below 0) or white (above), by that share."""
    target = 1.0 if share > 0 else 0.0
    red, green, blue = (value + abs(share) * (target - value) for value in colour)
    return (red, green, blue)


def body_colour(random: np.random.Generator) -> Colour:
    """Often that of wood, else any that a panel may have."""
    if random.random() < 0.35:
        return colorsys.hsv_to_rgb(
            random.uniform(0.04, 0.11), random.uniform(0.25, 0.65), random.uniform(0.25, 0.85)
        )
    return panel_colour(random)


def cover(random: np.random.Generator, colour: Colour) -> tuple[int | None, Colour]:
    """Which of the scene's pictures covers a large body, half of the times none, and its colour.

    A picture is seen through the colour, which is therefore bright where there is one.
    """
    if random.random() < 0.5:
        return None, colour
    return int(random.integers(4)), shaded(colour, 0.6)


def assemble(
    family: str,
    elements: Sequence[Element],
    fixed: Sequence[Solid],
    elevation: float,
    shown: np.ndarray,
    drop: float = 0.0,
) -> Appliance:
    """The appliance of these parts.

    Args:
        family: its name.
        elements: what can be operated.
        fixed: what cannot; its lowest and hindmost points are the appliance's.
        elevation: see `Appliance`.
        shown: see `Appliance`.
        drop: metres from its lowest point down to what is below it; 0 for what stands.
    """
    points = corners(fixed)
    return Appliance(
        family,
        tuple(elements),
        tuple(fixed),
        bottom=float(points[:, 1].min()) - drop,
        back=float(points[:, 2].min()),
        shown=shown,
        elevation=elevation,
    )
