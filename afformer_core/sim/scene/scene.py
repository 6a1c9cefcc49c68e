# SPDX-License-Identifier: Apache-2.0
"""A scene: one appliance of a family, and everything random about its images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from afformer_core.sim.bodies.appliance import Appliance
from afformer_core.sim.bodies.seeds import Stream, generator
from afformer_core.sim.families import generate
from afformer_core.sim.scene.recolouring import recoloured


@dataclass(frozen=True)
class Scene:
    """The same scene always looks the same.

    Attributes:
        seed: see `seeds.scene_seed`.
        family: one of `families.FAMILIES`.
        held_out: textures and photographs are those that training never shows.
        variant: 0, or another number for the same model of an appliance in other colours.
    """

    seed: int
    family: str = 'control_panel'
    held_out: bool = False
    variant: int = 0

    def __post_init__(self) -> None:
        if self.variant < 0:
            raise ValueError(f'variant must not be negative, but is {self.variant}')

    @cached_property
    def appliance(self) -> Appliance:
        """What is operated."""
        original = generate(self.family, generator(self.seed, Stream.APPLIANCE))
        if not self.variant:
            return original
        return recoloured(original, generator(self.seed, Stream.VARIANT, self.variant))
