# SPDX-License-Identifier: Apache-2.0
"""Families of fixtures, by name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from afformer_sim.bodies.fixture import Fixture
from afformer_sim.families import (
    boxes,
    cooktop,
    doors,
    drawers,
    faucets,
    jars,
    kettles,
    levers,
    mugs,
    switchboard,
)
from afformer_sim.families.panels import control_panel, dense_keypad, keypad

_GENERATORS: dict[str, Callable[[np.random.Generator], Fixture]] = {
    'keypad': keypad,
    'control_panel': control_panel,
    'drawers': drawers.generate,
    'doors': doors.generate,
    'levers': levers.generate,
    'faucets': faucets.generate,
    'mugs': mugs.generate,
    'kettles': kettles.generate,
    'jars': jars.generate,
    'boxes': boxes.generate,
    'dense_keypad': dense_keypad,
    'cooktop': cooktop.generate,
    'switchboard': switchboard.generate,
}
FAMILIES = tuple(_GENERATORS)


def generate(family: str, rng: np.random.Generator) -> Fixture:
    """Draw a random fixture of a family, one of `FAMILIES`."""
    return _GENERATORS[family](rng)
