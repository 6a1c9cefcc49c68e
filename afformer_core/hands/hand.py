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
"""Detections of a lower score are dropped: there are many, and few of them are hands."""


@dataclass(frozen=True)
class Hand:
    """A hand in an image (paper, section 4.2).

    Attributes:
        box: (left, top, right, bottom) in pixels, of the edges of pixels: an image of width W
            reaches from 0 to W. It may reach outside of the image.
        contact: whether the hand touches an object.
        score: confidence that there is a hand with this contact, 0 to 1.
        contact_point: point of contact, actual or imminent, (x, y) in pixels; it may lie outside
            of box and image. None if the detector does not give it.

    Raises:
        ValueError: a number is not finite or out of its range.
    """

    box: tuple[float, float, float, float]
    contact: bool
    score: float
    contact_point: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        left, top, right, bottom = self.box
        if not all(map(math.isfinite, self.box)) or not (left < right and top < bottom):
            raise ValueError(
                f'the box of a hand is {self.box}; expected finite (left, top, right, bottom) '
                'with left < right and top < bottom'
            )
        if not 0 <= self.score <= 1:
            raise ValueError(f'the score of a hand is {self.score}; expected 0 to 1')
        if self.contact_point is not None and not all(map(math.isfinite, self.contact_point)):
            raise ValueError(
                f'the contact point of a hand is {self.contact_point}; expected finite (x, y)'
            )

    @property
    def size(self) -> tuple[float, float]:
        """(width, height) of the box."""
        left, top, right, bottom = self.box
        return right - left, bottom - top


CLASSES = ('background', 'no contact', 'contact')
NO_CONTACT, CONTACT = 1, 2


def image_tensor(image: NDArray[np.uint8]) -> Tensor:
    """Convert an image, uint8 RGB [H, W, 3], to a tensor, uint8 [3, H, W]."""
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1).contiguous()
