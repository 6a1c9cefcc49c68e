# SPDX-License-Identifier: Apache-2.0
"""A detected hand, and images as tensors for detectors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

LOWEST_SCORE = 0.05
"""Hands of a lower score are neither looked for nor kept: there are many, and few are hands."""


@dataclass(frozen=True)
class Hand:
    """A hand in a picture (paper, section 4.2).

    Attributes:
        box: (left, top, right, bottom) in pixels, of the edges of pixels: a picture of a width W
            reaches from 0 to W. It may reach outside.
        contact: whether the hand touches an object.
        score: how sure it is that there is a hand in that state, 0 to 1.
        touch: (x, y) in pixels, where it touches something, or would; it may lie outside of box
            and picture. None where the detector does not tell.
    """

    box: tuple[float, float, float, float]
    contact: bool
    score: float
    touch: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        left, top, right, bottom = self.box
        if not all(map(math.isfinite, self.box)) or not (left < right and top < bottom):
            raise ValueError(
                f'a hand has the box {self.box}; finite (left, top, right, bottom) with left < '
                'right and top < bottom are wanted'
            )
        if not 0 <= self.score <= 1:
            raise ValueError(f'a hand has the score {self.score}; 0 to 1 is wanted')
        if self.touch is not None and not all(map(math.isfinite, self.touch)):
            raise ValueError(f'a hand touches something at {self.touch}; finite (x, y) are wanted')

    @property
    def size(self) -> tuple[float, float]:
        """(width, height) of the box."""
        left, top, right, bottom = self.box
        return right - left, bottom - top


CLASSES = ('background', 'no contact', 'contact')
NO_CONTACT, CONTACT = 1, 2


def picture_tensor(frames: NDArray[np.uint8]) -> Tensor:
    """The colours of all frames as channels, one frame after another.

    Args:
        frames: uint8 RGB [T, H, W, 3].

    Returns:
        uint8 [3 T, H, W].
    """
    channels = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2)
    return channels.flatten(0, 1).contiguous()


def frame_tensor(frame: NDArray[np.uint8], device: torch.device) -> Tensor:
    """One frame as channels on a device, which turns it over itself.

    Args:
        frame: uint8 RGB [H, W, 3].
        device: that looks at it.

    Returns:
        uint8 [3, H, W].
    """
    return torch.from_numpy(np.ascontiguousarray(frame)).to(device).permute(2, 0, 1).contiguous()


def colours(picture: Tensor) -> Tensor:
    """A picture of any shape as floats in 0..1, as networks take it: uint8, or such already."""
    return picture if picture.is_floating_point() else picture / 255
