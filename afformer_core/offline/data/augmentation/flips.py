# SPDX-License-Identifier: Apache-2.0
"""Flips of left and right and of time, and the actions that they exchange."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.offline.data.sample import Sample


@dataclass(frozen=True, kw_only=True)
class FlipSettings:
    """Settings of horizontal flips of frames and image together.

    Attributes:
        probability: probability of a flip, 0 to 1.
        exchanged_actions: pairs of names of actions that are mirror images of each other, such as
            (`rotate clockwise`, `rotate counterclockwise`); without them, a flipped example of
            such an action has the wrong action. All other actions are unchanged.

    Raises:
        ValueError: a value is out of its range, or a name occurs twice.
    """

    probability: float = 0.0
    exchanged_actions: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ValueError(f'probability is {self.probability}; expected 0 to 1')
        names = [name for pair in self.exchanged_actions for name in pair]
        if any(len(pair) != 2 for pair in self.exchanged_actions) or len(set(names)) < len(names):
            raise ValueError(
                f'exchanged_actions is {self.exchanged_actions}; '
                'expected pairs of names, each name in one pair'
            )

    def mirrored_actions(self, action_names: Sequence[str]) -> dict[int, int]:
        """Return the index after a flip of each action that a flip changes.

        Raises:
            ValueError: a name is unknown.
        """
        indices = {name: index for index, name in enumerate(action_names)}
        mirrored: dict[int, int] = {}
        for first, second in self.exchanged_actions:
            for name, other in ((first, second), (second, first)):
                if name not in indices or other not in indices:
                    raise ValueError(
                        f'exchanged_actions has {first!r} and {second!r}; '
                        f'expected names of {", ".join(action_names)}'
                    )
                mirrored[indices[name]] = indices[other]
        return mirrored


def flip_images(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Flip images, uint8 [T, H, W, 3], left to right."""
    # Flipping one tall image takes a fortieth of the time of NumPy's flip.
    tall = np.ascontiguousarray(images).reshape(-1, *images.shape[2:])
    return np.asarray(cv2.flip(tall, 1), np.uint8).reshape(images.shape)


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
