# SPDX-License-Identifier: Apache-2.0
"""Fixtures: fixed parts, printed panels, and the elements that can be operated.

Coordinates are metres: x to the right, y up, z towards the user.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from afformer_sim.bodies.element import CARRIED, MOMENTARY, Element
from afformer_sim.bodies.solid import Colour, Pose, Solid


@dataclass(frozen=True)
class Label:
    """Printed word beside an element of a panel: the element's centre and height in metres."""

    x: float
    y: float
    height: float


@dataclass(frozen=True)
class Panel:
    """Flat front with printing on it, in the plane z = 0 around the origin.

    Attributes:
        width, height: size of the front in metres.
        colour: RGB of the front, 0 to 1.
        shininess: 0 (matt) to 1.
        labels: words printed on it.
        display: (x, y, width, height) of a dark display on it in metres, or None.
    """

    width: float
    height: float
    colour: Colour
    shininess: float = 0.3
    labels: tuple[Label, ...] = ()
    display: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Fixture:
    """One fixture, or several objects together, with elements that can be operated.

    Attributes:
        family: name of its family, one of `families.FAMILIES`.
        elements: parts that can be operated; no two overlap.
        fixed: solids that do not move.
        shown: float64 [P, 3], points in metres that every image contains, besides the elements.
        bottom: y of the surface that it stands on, metres.
        back: z of its back, metres; the wall is behind.
        elevation: typical elevation of the camera above the horizontal, in degrees.
        panel: its printed front, or None.
    """

    family: str
    elements: tuple[Element, ...]
    fixed: tuple[Solid, ...]
    bottom: float
    back: float
    shown: np.ndarray = field(default_factory=lambda: np.empty((0, 3)))
    elevation: float = 8.0
    panel: Panel | None = None

    def extent(self, share: float = 1.0) -> np.ndarray:
        """Return points whose hull contains all elements at rest and the points in `shown`.

        Args:
            share: how far the points of `shown` may reach beyond the elements' box: 0 (not at all)
                to 1 (all the way).

        Returns:
            float64 [P, 3], metres.
        """
        hulls = [element.operated() for element in self.elements]
        operated = np.concatenate(hulls)
        nearest = self.shown.clip(operated.min(axis=0), operated.max(axis=0))
        return np.concatenate([operated, nearest + share * (self.shown - nearest)])


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
        lasting = [
            (use.joint, use.after)
            for use in element.uses
            if use.joint is not None and use.action not in (*MOMENTARY, *CARRIED)
        ]
        if lasting and rng.random() < _LEFT_MOVED:
            joint, after = lasting[int(rng.integers(len(lasting)))]
            states[index] = joint.displacement(rng.uniform(*after))
    return states
