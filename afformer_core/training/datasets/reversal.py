# SPDX-License-Identifier: Apache-2.0
"""Demonstrations played backwards, with the actions that they then show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from afformer_core.data.augmentation.probability import happens, require_probability
from afformer_core.data.sample import Sample

# Apart from whatever else is drawn with the seed of a demonstration.
_STREAM = 2


@dataclass(frozen=True)
class Reversal:
    """How often a demonstration is played backwards, and which action it then shows.

    Attributes:
        probability: share of the demonstrations of known actions, 0 to 1.
        actions: index of the action that each becomes; a demonstration of another one is never
            played backwards.
    """

    probability: float
    actions: Mapping[int, int]

    @classmethod
    def of_names(
        cls, probability: float, actions: Mapping[str, str], action_names: Sequence[str]
    ) -> Reversal:
        """The reversal of actions given by their names.

        Raises:
            ValueError: there is no action of a name, the probability is none, or it is above 0
                and there are no actions.
        """
        require_probability(probability)
        if probability > 0 and not actions:
            raise ValueError(
                f'reverse_probability is {probability} and reversed_actions are empty; name what '
                'actions become, such as {push: pull, pull: push, hold: hold}'
            )
        indices = {name: index for index, name in enumerate(action_names)}
        for name in (*actions, *actions.values()):
            if name not in indices:
                raise ValueError(
                    f'reversed_actions name {name!r}; the actions are {", ".join(action_names)}'
                )
        return cls(probability, {indices[one]: indices[other] for one, other in actions.items()})

    def happens(self, samples: Iterable[Sample], seed: tuple[int, ...]) -> bool:
        """Whether the demonstration of samples, drawn with a seed, is played backwards."""
        known = all(action in self.actions for sample in samples for action in sample.actions)
        return known and happens(self.probability, np.random.default_rng((*seed, _STREAM)))

    def of(self, actions: Iterable[int]) -> tuple[int, ...]:
        """What actions become; those that are not known stay."""
        return tuple(self.actions.get(action, action) for action in actions)
