# SPDX-License-Identifier: Apache-2.0
"""The splits of the simulated benchmark: which families and which textures are in which."""

from __future__ import annotations

from dataclasses import dataclass

from afformer_core.sim.families import FAMILIES

UNSEEN_FAMILIES = ('cooktop', 'switchboard')
BUTTON_FAMILIES = ('dense_keypad',)
SEEN_FAMILIES = tuple(
    family for family in FAMILIES if family not in (*UNSEEN_FAMILIES, *BUTTON_FAMILIES)
)


@dataclass(frozen=True)
class Split:
    """What a split shows.

    Attributes:
        families: of its appliances, drawn evenly.
        held_out: its textures and photographs are those that training never shows.
        seed: of its appliances; no two splits share an appliance.
    """

    families: tuple[str, ...]
    held_out: bool
    seed: int

    def __post_init__(self) -> None:
        unknown = sorted(set(self.families) - set(FAMILIES))
        if unknown or not self.families:
            raise ValueError(
                f'families are {", ".join(self.families) or "none"}; they must be some of '
                f'{", ".join(FAMILIES)}'
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
    """A split of the benchmark; any other name is one like `test-seen` with a seed of its own."""
    return SPLITS.get(name, Split(SEEN_FAMILIES, True, 7))
