# SPDX-License-Identifier: Apache-2.0
"""Random initial states of elements, as if an earlier user had left them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from afformer_sim.bodies.element import CARRIED, MOMENTARY, Use
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.pose import Pose

States = Mapping[int, Pose]

_UNTOUCHED = 0.5
_LEFT_MOVED = 0.4


def sample_states(fixture: Fixture, rng: np.random.Generator) -> dict[int, Pose]:
    """Draw displacements of some elements from rest, such as open drawers and turned knobs.

    Half of the fixtures are untouched, with an empty result. Keys are indices of elements.
    """
    states: dict[int, Pose] = {}
    if rng.random() < _UNTOUCHED:
        return states
    for index, element in enumerate(fixture.elements):
        lasting = [use for use in element.uses if _lasts(use)]
        if lasting and rng.random() < _LEFT_MOVED:
            states[index] = _displaced(lasting[int(rng.integers(len(lasting)))], rng)
    return states


def _lasts(use: Use) -> bool:
    return use.joint is not None and use.action not in (*MOMENTARY, *CARRIED)


def _displaced(use: Use, rng: np.random.Generator) -> Pose:
    assert use.joint is not None
    return use.joint.displacement(rng.uniform(*use.after))
