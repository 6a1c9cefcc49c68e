# SPDX-License-Identifier: Apache-2.0
"""Target heatmaps from the box of an interacting hand (paper, section 4.3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.hands.hand import Hand
from afformer_core.maskahand.pretraining.approach_direction import Direction
from afformer_core.maskahand.pretraining.interactions import Interaction

FORMS = ('box', 'front', 'touch')


@dataclass(frozen=True)
class BoxTarget:
    """The form of the target.

    Attributes:
        form: 'box', the whole box, as in the paper; or 'front', the part of it that lies ahead in
            the direction in which the hand came, since fingertips lead and the middle of a hand
            is its palm, and the whole box where the hand did not move; or 'touch', a square
            around where the detector says that it touches, and the front where it does not say or
            that is outside of the frame.
        share: of the box's width where the front is ahead to the left or the right, of its height
            where it is above or below; of the box's longer side for the square; above 0, at
            most 1.
    """

    form: str = 'box'
    share: float = 0.5

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise ValueError(f'form is {self.form!r}; it must be one of {FORMS}')
        if not 0 < self.share <= 1:
            raise ValueError(f'share is {self.share}; it must be above 0 and at most 1')

    def corners(self, interaction: Interaction, size: tuple[int, int]) -> NDArray[np.float64]:
        """Of all hands that interact in a frame.

        All, and not one that is drawn: the frame does not say which of them the clip is about,
        and the mean of what is drawn would be the same with more noise.

        Args:
            interaction: the frame.
            size: (width, height) of the frame that the boxes are in pixels of.

        Returns:
            float64 [N, 4, 2], (x, y) clockwise as one sees them, as shares of width and height,
            0 to 1: only what is within the frame.
        """
        corners = []
        for hand, direction in zip(interaction.interacting, interaction.approaches, strict=True):
            (left, top), (right, bottom) = self._part(hand, direction, size)
            corners.append([[left, top], [right, top], [right, bottom], [left, bottom]])
        return np.asarray(corners)

    def _part(
        self, hand: Hand, direction: Direction | None, size: tuple[int, int]
    ) -> NDArray[np.float64]:
        """[[left, top], [right, bottom]] as shares of the frame, of what is within it."""
        if self.form == 'touch' and hand.touch is not None:
            middle = np.array(hand.touch)
            if np.all((middle >= 0) & (middle <= size)):
                half = self.share * max(hand.size) / 2
                return np.clip(np.stack((middle - half, middle + half)) / size, 0, 1)
        box = np.clip(np.divide(hand.box, (*size, *size)), 0, 1).reshape(2, 2)
        if self.form == 'box' or direction is None:
            return box
        return _front(box, direction, self.share)


def _front(box: NDArray[np.float64], direction: Direction, share: float) -> NDArray[np.float64]:
    """The part ahead of a box [[left, top], [right, bottom]].

    Across the direction the box stays as it is; diagonally ahead lies a corner of it.
    """
    ahead = np.divide(direction, np.abs(direction).max())
    cut = (box[1] - box[0]) * (1 - share) * np.abs(ahead)
    return np.stack([box[0] + cut * (ahead > 0), box[1] - cut * (ahead < 0)])
