# SPDX-License-Identifier: Apache-2.0
"""Solids by their end points or centres, and fixtures assembled from them."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Iterable, Sequence

import numpy as np

from afformer_sim.bodies.element import Element
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.pose import Pose, between
from afformer_sim.bodies.solid import Colour, Solid, SolidShape
from afformer_sim.textures.colours import panel_colour

Point = Sequence[float] | np.ndarray


def box(
    centre: Point, half: Point, colour: Colour, surface: int | None = None, shininess: float = 0.3
) -> Solid:
    """Build an upright box around `centre`, `half` its half extents along x, y, z; metres."""
    x, y, z = (float(value) for value in half)
    pose = Pose(np.array(centre, float), np.eye(3))
    return Solid(SolidShape.BOX, (x, y, z), colour, pose, surface, shininess)


def rod(
    start: Point, end: Point, radius: float, colour: Colour, *, rounded: bool = False
) -> Solid:
    """Build a cylinder from `start` to `end`, or a capsule of the same length if `rounded`.

    Raises:
        ValueError: the points are equal, or a rounded rod is shorter than its thickness.
    """
    length = math.dist(start, end)
    if length <= (2 * radius if rounded else 0):
        raise ValueError(
            f'rod of radius {radius} cannot go from {start} to {end}; it is too short'
        )
    pose = between(start, end)
    if rounded:
        return Solid(SolidShape.CAPSULE, (radius, length / 2 - radius), colour, pose, None, 0.5)
    return Solid(SolidShape.CYLINDER, (radius, length / 2), colour, pose, None, 0.5)


def ball(centre: Point, radii: Point, colour: Colour) -> Solid:
    """Build an ellipsoid around `centre` with `radii` along x, y, z; metres."""
    x, y, z = (float(value) for value in radii)
    pose = Pose(np.array(centre, float), np.eye(3))
    return Solid(SolidShape.ELLIPSOID, (x, y, z), colour, pose, None, 0.5)


def corners(solids: Iterable[Solid]) -> np.ndarray:
    """Return points whose hull contains all the solids, float64 [P, 3] metres."""
    return np.concatenate([solid.corners() for solid in solids])


def shaded(colour: Colour, share: float) -> Colour:
    """Mix a colour with black (`share` below 0) or white (above), by that share."""
    target = 1.0 if share > 0 else 0.0
    red, green, blue = (value + abs(share) * (target - value) for value in colour)
    return (red, green, blue)


def body_colour(rng: np.random.Generator) -> Colour:
    """Draw the colour of wood, or in two of three cases any colour of a panel."""
    if rng.random() < 0.35:
        return colorsys.hsv_to_rgb(
            rng.uniform(0.04, 0.11), rng.uniform(0.25, 0.65), rng.uniform(0.25, 0.85)
        )
    return panel_colour(rng)


def cover(rng: np.random.Generator, colour: Colour) -> tuple[int | None, Colour]:
    """Draw the texture that covers a large body (None for half of them), and its colour.

    The colour is multiplied by the texture, and is therefore bright if there is one.
    """
    if rng.random() < 0.5:
        return None, colour
    return int(rng.integers(4)), shaded(colour, 0.6)


def assemble(
    family: str,
    elements: Sequence[Element],
    fixed: Sequence[Solid],
    elevation: float,
    shown: np.ndarray,
    drop: float = 0.0,
) -> Fixture:
    """Assemble a fixture.

    Args:
        family: name of its family.
        elements: parts that can be operated.
        fixed: fixed parts; their lowest and hindmost points are those of the fixture.
        elevation: see `Fixture`.
        shown: see `Fixture`.
        drop: metres from its lowest point to the surface below; 0 for a fixture that stands.
    """
    points = corners(fixed)
    return Fixture(
        family,
        tuple(elements),
        tuple(fixed),
        bottom=float(points[:, 1].min()) - drop,
        back=float(points[:, 2].min()),
        shown=shown,
        elevation=elevation,
    )
