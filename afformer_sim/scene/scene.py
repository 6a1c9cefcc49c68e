# SPDX-License-Identifier: Apache-2.0
"""Scenes: one fixture of a family each, and all that is random about its images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.seeds import Stream, make_rng
from afformer_sim.families import generate
from afformer_sim.scene.recolouring import recoloured


@dataclass(frozen=True)
class Scene:
    """Description of a scene; equal descriptions always look the same.

    Attributes:
        seed: seed of everything random, see `seeds.scene_seed`.
        family: one of `families.FAMILIES`.
        held_out: True for textures and photographs that are kept out of training.
        variant: 0, or another number for the same model of a fixture in other colours.

    Raises:
        ValueError: the variant is negative.
    """

    seed: int
    family: str = 'control_panel'
    held_out: bool = False
    variant: int = 0

    def __post_init__(self) -> None:
        if self.variant < 0:
            raise ValueError(f'variant is {self.variant}; expected at least 0')

    @cached_property
    def fixture(self) -> Fixture:
        """Fixture of the scene."""
        original = generate(self.family, make_rng(self.seed, Stream.FIXTURE))
        if not self.variant:
            return original
        return recoloured(original, make_rng(self.seed, Stream.VARIANT, self.variant))
