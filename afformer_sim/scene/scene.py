# SPDX-License-Identifier: Apache-2.0
"""Scenes, of one fixture of a family each, and the splits of a simulated dataset."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.seeds import Stream, make_rng, scene_seed
from afformer_sim.bodies.solid import Colour, Solid
from afformer_sim.families import FAMILIES, generate
from afformer_sim.families.carpentry import element_colour, panel_colour


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
    ground = panel_colour(rng)
    fixed = [solid.colour for solid in fixture.fixed]
    body = fixture.panel.colour if fixture.panel else max(fixed, key=fixed.count, default=None)
    # moving parts contrast with the body
    colours = {} if body is None else {body: ground}

    def colour(old: Colour) -> Colour:
        if old not in colours:
            colours[old] = element_colour(rng, ground)
        return colours[old]

    def paint(solids: tuple[Solid, ...]) -> tuple[Solid, ...]:
        return tuple(replace(solid, colour=colour(solid.colour)) for solid in solids)

    panel = fixture.panel
    return replace(
        fixture,
        elements=tuple(
            replace(element, solids=paint(element.solids)) for element in fixture.elements
        ),
        fixed=paint(fixture.fixed),
        panel=panel and replace(panel, colour=colour(panel.colour)),
    )


UNSEEN_FAMILIES = ('cooktop', 'switchboard')
BUTTON_FAMILIES = ('dense_keypad',)
SEEN_FAMILIES = tuple(
    family for family in FAMILIES if family not in (*UNSEEN_FAMILIES, *BUTTON_FAMILIES)
)


@dataclass(frozen=True)
class Split:
    """Part of a dataset: its families, textures and seed.

    Attributes:
        families: families of its fixtures, drawn evenly.
        held_out: True for textures and photographs that are kept out of training.
        seed: seed of its fixtures; no two splits share a fixture.
    """

    families: tuple[str, ...]
    held_out: bool
    seed: int


def require_families(families: tuple[str, ...]) -> None:
    """Check that there is a family, and no unknown one.

    Raises:
        ValueError: there is none, or an unknown one.
    """
    unknown = sorted(set(families) - set(FAMILIES))
    if unknown or not families:
        raise ValueError(
            f'families are {", ".join(families) or "none"}; expected some of {", ".join(FAMILIES)}'
        )


SPLITS = {
    'train': Split(SEEN_FAMILIES, False, 1),
    'validation': Split(SEEN_FAMILIES, False, 2),
    'test-seen': Split(SEEN_FAMILIES, True, 3),
    'test-unseen': Split(UNSEEN_FAMILIES, True, 4),
    'test-buttons': Split(BUTTON_FAMILIES, True, 5),
    'test-absent': Split(SEEN_FAMILIES, True, 6),
}


def split_named(name: str) -> Split:
    """Return a split of the benchmark; any other name is like `test-seen`, with its own seed."""
    return SPLITS.get(name, Split(SEEN_FAMILIES, True, 7))


@dataclass(frozen=True, kw_only=True)
class NumberedSettings:
    """Settings of a seed, whose numbers have lower limits.

    Attributes:
        seed: seed of everything random.

    Raises:
        ValueError: a number is out of range.
    """

    seed: int

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            if (value := getattr(self, name, least)) < least:
                raise ValueError(f'{name} is {value}; expected at least {least}')

    def described(self) -> dict[str, Any]:
        """Return the settings on which each scene depends, by name."""
        return {name: value for name, value in asdict(self).items() if name != 'scenes'}


_COUNTS = ('scenes', 'demonstrations', 'performances', 'views', 'targets', 'frames', 'rate')
_LEAST = {'seed': 0, 'longest_side': 32, **dict.fromkeys((*_COUNTS, 'demonstration_frames'), 1)}


@dataclass(frozen=True, kw_only=True)
class SceneSettings(NumberedSettings):
    """Numbered scenes of a dataset; the settings of its layouts add their content.

    Attributes:
        seed: seed of the dataset; each scene depends only on it and on the scene's number.
        scenes: number of scenes, of one fixture each.
        families: families of the fixtures, drawn evenly; a family that is named twice is drawn
            twice as often.
        held_out: True for textures and photographs that are kept out of training.

    Raises:
        ValueError: a number is out of range, or a family unknown.
    """

    scenes: int
    families: tuple[str, ...] = SEEN_FAMILIES
    held_out: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_families(self.families)

    def scene(self, index: int) -> Scene:
        """Return the scene `index`, from 0."""
        seed = scene_seed(self.seed, index)
        drawn = int(make_rng(seed, Stream.FAMILY).integers(len(self.families)))
        return Scene(seed, self.families[drawn], self.held_out)
