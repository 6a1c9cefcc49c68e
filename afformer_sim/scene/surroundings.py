# SPDX-License-Identifier: Apache-2.0
"""Light and room, different for every view."""

from __future__ import annotations

import math
from dataclasses import dataclass

import mujoco
import numpy as np

from afformer_sim.bodies.fixture import Fixture
from afformer_sim.cameras.camera import Camera
from afformer_sim.scene.world import CLUTTER, SURFACES

_SHAPES = (
    mujoco.mjtGeom.mjGEOM_BOX,
    mujoco.mjtGeom.mjGEOM_CYLINDER,
    mujoco.mjtGeom.mjGEOM_ELLIPSOID,
)


@dataclass(frozen=True)
class Lighting:
    """Ambient light and two distant lamps.

    Attributes:
        ambient: [3] RGB.
        directions: [2, 3] unit vectors from the lamps; the first one may cast shadows.
        colours: [2, 3] RGB.
        shadows: True if the first lamp casts shadows.
    """

    ambient: np.ndarray
    directions: np.ndarray
    colours: np.ndarray
    shadows: bool


@dataclass(frozen=True)
class Clutter:
    """Solid that stands or hangs beside the fixture and belongs to no element."""

    shape: int
    position: np.ndarray
    size: np.ndarray
    colour: np.ndarray


@dataclass(frozen=True)
class Surroundings:
    """Wall behind, table below (or none) and clutter beside a fixture."""

    wall: int
    wall_distance: float
    wall_colour: np.ndarray
    table: int | None
    table_colour: np.ndarray
    clutter: tuple[Clutter, ...]


def sample_lighting(rng: np.random.Generator) -> Lighting:
    """Draw light that is bright or dim, warm or cold, from in front and mostly above."""
    warmth = rng.uniform(-0.15, 0.15, 3)
    level = rng.uniform(0.35, 0.75)
    directions = np.array([_lamp(rng), _lamp(rng)])
    colours = np.array([level * (1 + warmth), rng.uniform(0, 0.25) * (1 - warmth)])
    return Lighting(
        ambient=rng.uniform(0.2, 0.45) * (1 + rng.uniform(-0.08, 0.08, 3)),
        directions=directions,
        colours=colours,
        shadows=bool(rng.random() < 0.6),
    )


def sample_surroundings(
    fixture: Fixture, camera: Camera, rng: np.random.Generator
) -> Surroundings:
    """Draw a room; nothing in it stands between the camera and the fixture."""
    # seen from below its top, a table would hide the panel
    above_table = camera.position[1] > fixture.bottom + 0.02
    count = int(rng.integers(0, CLUTTER + 1))
    return Surroundings(
        wall=int(rng.integers(SURFACES)),
        wall_distance=float(rng.choice([0.0, 0.3, 1.0])),
        wall_colour=rng.uniform(0.5, 1, 3),
        table=int(rng.integers(SURFACES)) if above_table and rng.random() < 0.8 else None,
        table_colour=rng.uniform(0.5, 1, 3),
        clutter=tuple(_sample_clutter(fixture, rng) for _ in range(count)),
    )


def place_lighting(model: mujoco.MjModel, lighting: Lighting) -> None:
    """Set the first two lights of a model."""
    model.vis.headlight.ambient[:] = lighting.ambient
    model.vis.headlight.diffuse[:] = 0.08
    model.vis.headlight.specular[:] = 0.05
    model.light_dir[:2] = lighting.directions
    model.light_pos[:2] = -1.5 * lighting.directions
    model.light_diffuse[:2] = lighting.colours
    model.light_specular[:2] = 0.4 * lighting.colours
    model.light_castshadow[0] = lighting.shadows


def place_surroundings(
    model: mujoco.MjModel, fixture: Fixture, surroundings: Surroundings
) -> None:
    """Set the wall, table and clutter of a model."""
    wall = model.geom('wall').id
    model.geom_matid[wall] = model.material(f'surface_{surroundings.wall}').id
    model.geom_rgba[wall, :3] = surroundings.wall_colour
    model.geom_pos[wall, 2] = fixture.back - 0.02 - surroundings.wall_distance
    table = model.geom('table').id
    model.geom_rgba[table, 3] = 0.0 if surroundings.table is None else 1.0
    if surroundings.table is not None:
        model.geom_matid[table] = model.material(f'surface_{surroundings.table}').id
        model.geom_rgba[table, :3] = surroundings.table_colour
    for j in range(CLUTTER):
        geom = model.geom(f'clutter_{j}').id
        model.geom_rgba[geom, 3] = 0.0
        if j < len(surroundings.clutter):
            piece = surroundings.clutter[j]
            model.geom_type[geom] = piece.shape
            model.geom_pos[geom] = piece.position
            model.geom_size[geom] = piece.size
            model.geom_rgba[geom] = [*piece.colour, 1.0]


def _lamp(rng: np.random.Generator) -> np.ndarray:
    side, up = rng.uniform(-1.0, 1.0), rng.uniform(-0.2, 1.0)
    direction = -np.array([math.sin(side), math.sin(up), math.cos(side) * math.cos(up)])
    direction /= np.linalg.norm(direction)
    return direction


def _sample_clutter(fixture: Fixture, rng: np.random.Generator) -> Clutter:
    size = rng.uniform(0.015, 0.07, 3)
    extent = fixture.extent()
    low, high = extent.min(axis=0), extent.max(axis=0)
    gap = size.max() + rng.uniform(0.01, 0.15)
    x = high[0] + gap if rng.random() < 0.5 else low[0] - gap
    if rng.random() < 0.6:
        y = fixture.bottom + size[1]
    else:
        y = rng.uniform(low[1] - 0.1 * (high[1] - low[1]), high[1])
    z = rng.uniform(fixture.back, max(low[2], fixture.back)) - size[2]
    return Clutter(
        int(rng.choice([int(shape) for shape in _SHAPES])),
        np.array([x, y, z]),
        size,
        rng.uniform(0.05, 0.95, 3),
    )
