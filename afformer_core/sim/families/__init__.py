# SPDX-License-Identifier: Apache-2.0
"""Families of appliances, by name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from afformer_core.sim.bodies.appliance import Appliance
from afformer_core.sim.families import (
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
from afformer_core.sim.families.panels import control_panel, dense_keypad, keypad

_GENERATORS: dict[str, Callable[[np.random.Generator], Appliance]] = {
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


def generate(family: str, rng: np.random.Generator) -> Appliance:
    """Draw a random appliance of a family.

    Raises:
        ValueError: the family is unknown.
    """
    if family not in _GENERATORS:
        raise ValueError(f'family is {family!r}; expected one of {", ".join(FAMILIES)}')
    return _GENERATORS[family](rng)
