# SPDX-License-Identifier: Apache-2.0
"""What grounding gives back, and what it keeps of a demonstration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.runtime.appearance import Appearance
from afformer_core.runtime.session import Memory


@dataclass(frozen=True)
class Peak:
    """A local maximum of a heatmap.

    Attributes:
        u, v: column and row in pixels of the source image, sub-pixel; the first pixel's centre
            is (0, 0).
        score: share of the heatmap's probability that lies around the peak, 0 to 1.
    """

    u: float
    v: float
    score: float


@dataclass(frozen=True)
class Grounding:
    """A demonstration grounded in one image.

    Attributes:
        heatmap: float32 [H, W] at the source image's size; probabilities, sum 1.
        action_scores: score of each action, 0 to 1, best first.
        peaks: best first; empty only where none was asked for.
        confidence: score of the best peak, 0 to 1. A heatmap spread over the image, which says
            nothing, has a low one.
        resemblance: how much the surroundings of the heatmap look like the demonstration, -1 to
            1. An image of something else has a low one, however sharp its heatmap.
    """

    heatmap: NDArray[np.float32]
    action_scores: Mapping[str, float]
    peaks: tuple[Peak, ...]
    confidence: float
    resemblance: float

    @property
    def action(self) -> str:
        """Name of the best action."""
        return next(iter(self.action_scores))


@dataclass(frozen=True)
class Demonstration:
    """A finished demonstration.

    Attributes:
        name: as given by the user.
        frames: uint8 RGB [T, h, w, 3] at the model's input size: those that were kept.
        frame_count: frames that were seen, at least T.
        memory: what grounding needs of it.
        appearance: what tells whether an image shows the same thing.
    """

    name: str
    frames: NDArray[np.uint8]
    frame_count: int
    memory: Memory
    appearance: Appearance

    def __post_init__(self) -> None:
        if self.frames.ndim != 4 or not 1 <= len(self.frames) <= self.frame_count:
            raise ValueError(
                f'demonstration {self.name!r} keeps frames of shape {self.frames.shape} of '
                f'{self.frame_count}; it must keep at least one and no more than were seen'
            )
