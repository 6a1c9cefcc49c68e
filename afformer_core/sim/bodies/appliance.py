# SPDX-License-Identifier: Apache-2.0
"""Appliances: fixed parts, printed panels, and the elements that can be operated.

Coordinates are metres: x to the right, y up, z towards the user.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from afformer_core.sim.bodies.element import Element
from afformer_core.sim.bodies.solid import Colour, Solid


@dataclass(frozen=True)
class Label:
    """A word beside an element of a panel: the element's centre and height."""

    x: float
    y: float
    height: float


@dataclass(frozen=True)
class Panel:
    """A flat front with printing on it, in the plane z = 0 around the origin.

    Attributes:
        width, height: of it.
        colour: of it.
        shininess: 0 (matt) to 1.
        labels: words on it.
        display: (x, y, width, height) of a dark display on it, or None.
    """

    width: float
    height: float
    colour: Colour
    shininess: float = 0.3
    labels: tuple[Label, ...] = ()
    display: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Appliance:
    """Something to operate, or several such things together.

    Attributes:
        family: name of its family.
        elements: what can be operated; none overlaps another.
        fixed: what cannot.
        shown: float64 [P, 3], points that every picture has in it, beside the elements.
        bottom: y of what it stands on.
        back: z of its back; the wall is behind.
        elevation: degrees above the horizontal from which it is mostly looked at.
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

    def __post_init__(self) -> None:
        if not self.elements:
            raise ValueError('an appliance needs at least one element')

    def extent(self, share: float = 1.0) -> np.ndarray:
        """Points whose hull holds all elements at rest and what is shown besides, [P, 3].

        Args:
            share: how far what is shown besides reaches beyond the elements' box: 0 (not at all)
                to 1 (all the way).
        """
        hulls = [element.operated() for element in self.elements]
        operated = np.concatenate(hulls)
        nearest = self.shown.clip(operated.min(axis=0), operated.max(axis=0))
        return np.concatenate([operated, nearest + share * (self.shown - nearest)])
