# SPDX-License-Identifier: Apache-2.0
"""Random reversal of demonstrations, which changes their actions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from afformer_core.offline.data.sample import Sample

# Makes these draws independent of others with the seed of a demonstration.
_STREAM = 2


@dataclass(frozen=True)
class Reversal:
    """The probability of reversing a demonstration, and the resulting action.

    Attributes:
        probability: share of the demonstrations of known actions, 0 to 1.
        actions: index of the action after the reversal, by the original index; demonstrations of
            other actions are never reversed.
    """

    probability: float
    actions: Mapping[int, int]

    @classmethod
    def of_names(
        cls, probability: float, actions: Mapping[str, str], action_names: Sequence[str]
    ) -> Reversal:
        """Build the reversal of actions given by their names.

        Raises:
            ValueError: a name is unknown, the probability is out of its range, or it is above 0
                and there are no actions.
        """
        if not 0 <= probability <= 1:
            raise ValueError(f'reverse_probability is {probability}; expected 0 to 1')
        if probability > 0 and not actions:
            raise ValueError(
                f'reverse_probability is {probability} and reversed_actions is empty. Name what '
                'actions become, such as {push: pull, pull: push, hold: hold}'
            )
        indices = {name: index for index, name in enumerate(action_names)}
        for name in (*actions, *actions.values()):
            if name not in indices:
                raise ValueError(
                    f'reversed_actions has {name!r}; expected one of {", ".join(action_names)}'
                )
        return cls(probability, {indices[name]: indices[other] for name, other in actions.items()})

    def happens(self, samples: Iterable[Sample], seed: tuple[int, ...]) -> bool:
        """Decide at random, given a seed, whether the demonstration of samples is reversed."""
        known = all(action in self.actions for sample in samples for action in sample.actions)
        return known and np.random.default_rng((*seed, _STREAM)).random() < self.probability

    def of(self, actions: Iterable[int]) -> tuple[int, ...]:
        """Return the reversed actions; unknown ones are unchanged."""
        return tuple(self.actions.get(action, action) for action in actions)
