# SPDX-License-Identifier: Apache-2.0
"""Families of fixtures, by name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from afformer_sim.bodies.fixture import Fixture
from afformer_sim.families import cooktop, doors, drawers, faucets
from afformer_sim.families.panels import control_panel, dense_keypad, keypad
from afformer_sim.families.pots import kettles, mugs
from afformer_sim.families.small_objects import boxes, jars
from afformer_sim.families.switches import levers, switchboard

_GENERATORS: dict[str, Callable[[np.random.Generator], Fixture]] = {
    'keypad': keypad,
    'control_panel': control_panel,
    'drawers': drawers.generate,
    'doors': doors.generate,
    'levers': levers,
    'faucets': faucets.generate,
    'mugs': mugs,
    'kettles': kettles,
    'jars': jars,
    'boxes': boxes,
    'dense_keypad': dense_keypad,
    'cooktop': cooktop.generate,
    'switchboard': switchboard,
}
FAMILIES = tuple(_GENERATORS)


def generate(family: str, rng: np.random.Generator) -> Fixture:
    """Draw a random fixture of a family, one of `FAMILIES`."""
    return _GENERATORS[family](rng)
