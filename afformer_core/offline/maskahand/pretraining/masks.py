# SPDX-License-Identifier: Apache-2.0
"""Masks over hands, and random masks (paper, section 4.2 and Table 5)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.hands.hand import Hand

SHAPES = ('scaled', 'jittered', 'none')
FILLS = ('random', 'noise', 'colour', 'mean', 'zero')
HIDDEN = ('all', 'interacting')
# Fills from which `random` draws.
_VARIED = ('noise', 'colour', 'mean')


@dataclass(frozen=True, kw_only=True)
class MaskSettings:
    """Settings of the masks over hands.

    Attributes:
        shape: 'scaled' to scale each side of the hand's box by `scale` about its middle, as in the
            paper; 'jittered' to move each side outwards by a random length up to `scale` - 1 times
            the root of the box's area, as in the released code; or 'none' to hide nothing.
        scale: scale of the masks, at least 1; 1 hides exactly the box.
        random_masks: number of masks of the same shape at random positions, at least 0; without
            them, a mask reveals the position of the hand.
        fill: 'noise' for 0 to 255 for each pixel and colour, as in the paper (Table 8); 'zero' for
            black, as in the other row of that table; 'colour' for a random colour for each mask;
            'mean' for the mean colour of the image; or 'random' to choose noise, colour or mean
            for all masks of an image.
        hidden: hands to hide: 'interacting', as in the paper; or 'all', including idle ones.
        hidden_score: if all are hidden, minimum score of a detection to count as a hand, 0 to 1.
            It is far below the score of an interaction, because any visible hand reveals the
            target; interacting hands are always hidden.
    """

    shape: str = 'scaled'
    scale: float = 1.5
    random_masks: int = 1
    fill: str = 'random'
    hidden: str = 'all'
    hidden_score: float = 0.1

    def __post_init__(self) -> None:
        if self.shape not in SHAPES:
            raise ValueError(f'shape is {self.shape!r}; expected one of {SHAPES}')
        if self.fill not in FILLS:
            raise ValueError(f'fill is {self.fill!r}; expected one of {FILLS}')
        if self.hidden not in HIDDEN:
            raise ValueError(f'hidden is {self.hidden!r}; expected one of {HIDDEN}')
        if not 1 <= self.scale < math.inf:
            raise ValueError(f'scale is {self.scale}; expected at least 1, and finite')
        if self.random_masks < 0 or (self.random_masks > 0 and self.shape == 'none'):
            raise ValueError(
                f'random_masks is {self.random_masks} with shape {self.shape!r}; expected at '
                "least 0, and 0 with the shape 'none'"
            )
        if not 0 <= self.hidden_score <= 1:
            raise ValueError(f'hidden_score is {self.hidden_score}; expected 0 to 1')

    def hides(self, hand: Hand, *, interacts: bool) -> bool:
        """Check whether a hand gets a mask."""
        return interacts or (self.hidden == 'all' and hand.score >= self.hidden_score)


def without_hands(
    image: NDArray[np.uint8],
    hands: Sequence[Hand],
    settings: MaskSettings,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Hide hands in an image.

    Args:
        image: uint8 [H, W, 3] RGB.
        hands: hands to hide, at least one, with boxes in pixels of the image.
        settings: settings of the masks.
        rng: random generator.

    Returns:
        uint8 [H, W, 3], a new array.
    """
    hidden = image.copy()
    if settings.shape == 'none':
        return np.asarray(hidden)
    masks = [_mask(hand.box, settings, rng) for hand in hands]
    size = image.shape[1], image.shape[0]
    for _ in range(settings.random_masks):
        # It has the size of a hand, so that the model cannot recognize it by its size.
        hand = hands[int(rng.integers(len(hands)))]
        masks.append(_moved(_mask(hand.box, settings, rng), rng.uniform(0, size)))
    fill = settings.fill
    if fill == 'random':
        fill = _VARIED[rng.integers(len(_VARIED))]
    # In random order, so that overlaps do not reveal which masks cover hands.
    for number in rng.permutation(len(masks)):
        _cover(hidden, masks[number], fill, rng)
    return np.asarray(hidden)


def _mask(
    box: tuple[float, float, float, float], settings: MaskSettings, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Compute [[left, top], [right, bottom]] of the mask of a box."""
    corners = np.reshape(box, (2, 2))
    size = corners[1] - corners[0]
    if settings.shape == 'jittered':
        longest = (settings.scale - 1) * math.sqrt(size.prod())
        return corners + rng.uniform(0, longest, (2, 2)) * [[-1], [1]]
    return np.asarray(corners + (settings.scale - 1) / 2 * size * [[-1], [1]])


def _moved(mask: NDArray[np.float64], middle: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(mask - mask.mean(axis=0) + middle)


def _cover(
    image: NDArray[np.uint8], mask: NDArray[np.float64], fill: str, rng: np.random.Generator
) -> None:
    """Fill every pixel that a mask touches, in place, within the image."""
    size = image.shape[1], image.shape[0]
    left, top = np.clip(np.floor(mask[0]), 0, size).astype(int)
    right, bottom = np.clip(np.ceil(mask[1]), 0, size).astype(int)
    covered = image[top:bottom, left:right]
    if fill == 'noise':
        covered[:] = rng.integers(0, 256, covered.shape, np.uint8)
    elif fill == 'colour':
        covered[:] = rng.integers(0, 256, 3, np.uint8)
    elif fill == 'zero':
        covered[:] = 0
    else:
        covered[:] = image.mean(axis=(0, 1)).round().astype(np.uint8)
