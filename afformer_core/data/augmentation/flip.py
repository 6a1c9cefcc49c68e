# SPDX-License-Identifier: Apache-2.0
"""Horizontal flips of frames, image and points, and the actions that these turn around."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.data.augmentation.example import Example
from afformer_core.data.augmentation.probability import require_probability


@dataclass(frozen=True)
class FlipOptions:
    """How often left and right are exchanged, in frames and image alike.

    Attributes:
        probability: share of the examples, 0 to 1.
        swapped_actions: pairs of names of actions that a mirror makes of each other, such as
            (`rotate clockwise`, `rotate counterclockwise`); without them a mirrored example of
            one has the wrong action. All other actions stay what they are.
    """

    probability: float = 0.0
    swapped_actions: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        require_probability(self.probability)
        names = [name for pair in self.swapped_actions for name in pair]
        if any(len(pair) != 2 for pair in self.swapped_actions) or len(set(names)) < len(names):
            raise ValueError(
                f'swapped_actions are {self.swapped_actions}; '
                'pairs of names, each name in one pair, are wanted'
            )

    def mirrored_actions(self, action_names: Sequence[str]) -> dict[int, int]:
        """The index that each action has in a mirror, for those where it is another one.

        Raises:
            ValueError: there is no action of a name.
        """
        indices = {name: index for index, name in enumerate(action_names)}
        mirrored: dict[int, int] = {}
        for first, second in self.swapped_actions:
            for name, other in ((first, second), (second, first)):
                if name not in indices or other not in indices:
                    raise ValueError(
                        f'swapped_actions name {first!r} and {second!r}; '
                        f'the actions are {", ".join(action_names)}'
                    )
                mirrored[indices[name]] = indices[other]
        return mirrored


def flipped(example: Example, mirrored_actions: Mapping[int, int]) -> Example:
    """An example in a mirror.

    Args:
        example: is left as it is.
        mirrored_actions: what actions become; those that are missing stay.
    """
    right = example.image.shape[1] - 1
    return Example(
        flip_pictures(example.frames),
        flip_pictures(example.image[None])[0],
        tuple(mirrored_actions.get(action, action) for action in example.actions),
        tuple(np.array([right, 0.0]) + points * (-1.0, 1.0) for points in example.points),
    )


def flip_pictures(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pictures, uint8 [T, H, W, 3], with left and right exchanged."""
    # One tall picture takes a fortieth of what NumPy needs.
    tall = np.ascontiguousarray(pictures).reshape(-1, *pictures.shape[2:])
    return np.asarray(cv2.flip(tall, 1), np.uint8).reshape(pictures.shape)
