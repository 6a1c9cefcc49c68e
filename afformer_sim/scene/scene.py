# SPDX-License-Identifier: Apache-2.0
"""Scenes: one fixture of a family each, and the random choices of its images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.seeds import Stream, make_rng
from afformer_sim.bodies.solid import Colour, Solid
from afformer_sim.families import generate
from afformer_sim.textures.colours import element_colour, panel_colour


@dataclass(frozen=True)
class Scene:
    """Description of a scene; equal descriptions always look the same.

    Attributes:
        seed: seed of everything random, see `seeds.scene_seed`.
        family: one of `families.FAMILIES`.
        held_out: True for textures and photographs that are kept out of training.
        variant: 0, or another number for the same fixture in other colours.
    """

    seed: int
    family: str = 'control_panel'
    held_out: bool = False
    variant: int = 0

    @cached_property
    def fixture(self) -> Fixture:
        """Fixture of the scene."""
        original = generate(self.family, make_rng(self.seed, Stream.FIXTURE))
        if not self.variant:
            return original
        return _recoloured(original, make_rng(self.seed, Stream.VARIANT, self.variant))


def _recoloured(fixture: Fixture, rng: np.random.Generator) -> Fixture:
    """Replace every colour of a fixture; parts with equal colours still have equal colours."""
    painter = _Painter(fixture, rng)
    return replace(
        fixture,
        elements=tuple(
            replace(element, solids=painter.paint(element.solids)) for element in fixture.elements
        ),
        fixed=painter.paint(fixture.fixed),
        panel=None
        if fixture.panel is None
        else replace(fixture.panel, colour=painter.colour(fixture.panel.colour)),
    )


class _Painter:
    """New colour for each old one; moving parts contrast with the body."""

    def __init__(self, fixture: Fixture, rng: np.random.Generator) -> None:
        self._random = rng
        self._ground = panel_colour(rng)
        self._colours: dict[Colour, Colour] = {}
        body = fixture.panel.colour if fixture.panel else _commonest(fixture.fixed)
        if body is not None:
            self._colours[body] = self._ground

    def paint(self, solids: tuple[Solid, ...]) -> tuple[Solid, ...]:
        return tuple(replace(solid, colour=self.colour(solid.colour)) for solid in solids)

    def colour(self, old: Colour) -> Colour:
        if old not in self._colours:
            self._colours[old] = element_colour(self._random, self._ground)
        return self._colours[old]


def _commonest(solids: tuple[Solid, ...]) -> Colour | None:
    colours = [solid.colour for solid in solids]
    return max(colours, key=colours.count) if colours else None
