# SPDX-License-Identifier: Apache-2.0
"""Family `boxes`: small objects to lift, slide and press on a table, a tray or a stepped rack."""

from __future__ import annotations

import numpy as np

from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.pose import at
from afformer_sim.bodies.solid import Solid
from afformer_sim.families.parts.vessels import (
    PartFinish,
    block,
)
from afformer_sim.families.small_objects import KINDS, make_small_object, sample_style
from afformer_sim.families.tabletop import TabletopObject, bounds, place_rows, set_table
from afformer_sim.textures.colours import panel_colour

# Largest metres of a pull, after which an object still stands on its support.
_PULL = 0.08


def generate(rng: np.random.Generator) -> Fixture:
    """Draw 3 to 8 objects in one or two rows, most of them with a look-alike."""
    count = int(rng.integers(3, 9))
    kinds = rng.permutation(KINDS)
    styles = [
        sample_style(str(kind), rng)
        for kind in kinds[: int(rng.choice([1, 2, 3], p=[0.35, 0.4, 0.25]))]
    ]
    base = str(rng.choice(['table', 'tray', 'rack'], p=[0.3, 0.4, 0.3]))
    rows = 2 if count > 5 or base == 'rack' or rng.random() < 0.3 else 1
    step = rng.uniform(0.025, 0.06) if base == 'rack' else 0.0
    items = [make_small_object(styles[int(rng.integers(len(styles)))], rng) for _ in range(count)]
    front, back = place_rows(rng, items, rows, (0.03, 0.06), (_PULL + 0.015, _PULL + 0.04), step)
    finish = _finish(rng)
    under: list[TabletopObject] = []
    if base == 'tray':
        thickness = rng.uniform(0.004, 0.01)
        under = [TabletopObject((), _tray(finish, bounds([*front, *back]), thickness, rng))]
        front, back = ([item.moved(at(0, thickness, 0)) for item in row] for row in (front, back))
    elif back and step:
        under = [TabletopObject((), _step(finish, bounds(front), bounds(back), step))]
    elevation = rng.uniform(28, 35) if back else rng.uniform(20, 33)
    return set_table(rng, 'boxes', [*front, *back, *under], elevation)


def _finish(rng: np.random.Generator) -> PartFinish:
    surface = int(rng.integers(4)) if rng.random() < 0.5 else None
    return PartFinish(panel_colour(rng), surface, rng.uniform(0, 0.6))


def _tray(
    finish: PartFinish, limits: np.ndarray, thickness: float, rng: np.random.Generator
) -> tuple[Solid, ...]:
    """Build a board with a rim, large enough for objects that are pulled towards the user."""
    low = limits[0] - rng.uniform(0.02, 0.04)
    high = limits[1] + rng.uniform(0.02, 0.04)
    high[2] = limits[1][2] + _PULL + 0.01
    rim, wall = thickness + rng.uniform(0.004, 0.012), 0.004
    x, z = (low[0] + high[0]) / 2, (low[2] + high[2]) / 2
    width, depth = (high[0] - low[0]) / 2, (high[2] - low[2]) / 2
    edge = PartFinish(finish.colour, None, finish.shininess)
    ends = [
        block(edge, (wall, rim / 2, depth + 2 * wall), (x + side * (width + wall), rim / 2, z))
        for side in (-1, 1)
    ]
    sides = [
        block(edge, (width, rim / 2, wall), (x, rim / 2, z + side * (depth + wall)))
        for side in (-1, 1)
    ]
    board = block(finish, (width, thickness / 2, depth), (x, thickness / 2, z))
    return (board, *ends, *sides)


def _step(
    finish: PartFinish, front: np.ndarray, back: np.ndarray, step: float
) -> tuple[Solid, ...]:
    """Build the step under the back row."""
    low, high = np.minimum(front[0], back[0]) - 0.015, np.maximum(front[1], back[1]) + 0.015
    near, far = back[1][2] + _PULL + 0.005, back[0][2] - 0.015
    half = ((high[0] - low[0]) / 2, step / 2, (near - far) / 2)
    return (block(finish, half, ((low[0] + high[0]) / 2, step / 2, (near + far) / 2)),)
