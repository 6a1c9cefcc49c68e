# SPDX-License-Identifier: Apache-2.0
"""Target images made of frames with hands, and the boxes that their heatmaps are made of."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from afformer_core.data.augmentation import ImageOptions, PerspectiveOptions, changed_images
from afformer_core.data.augmentation.geometric import inside, warp_points
from afformer_core.hands.hand import Hand
from afformer_core.maskahand.pretraining.camera_motion import camera_motion
from afformer_core.maskahand.pretraining.interactions import Direction, Interaction
from afformer_core.maskahand.pretraining.masks import MaskOptions, without_hands

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


def _paper_changes() -> ImageOptions:
    return ImageOptions(perspective=PerspectiveOptions(distortion=0.5))


@dataclass(frozen=True)
class SynthesisOptions:
    """How a target image is made of a frame.

    By default with the paper's masks, perspective and target, but with all hands hidden, with
    masks filled in several ways and without black corners; see docs/research/maskahand.md.

    Attributes:
        masks: over hands, and elsewhere.
        image: how the masked frame is changed, with the boxes in it.
        target: what is looked for.
        hand_free_share: of the images of clips that have such frames, how many are made of one
            from before the hand came and not of one in which it is hidden, 0 to 1. The paper has
            none: its videos are egocentric, and show hands all the time.
    """

    masks: MaskOptions = field(default_factory=MaskOptions)
    image: ImageOptions = field(default_factory=_paper_changes)
    target: BoxTarget = field(default_factory=BoxTarget)
    hand_free_share: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.hand_free_share <= 1:
            raise ValueError(f'hand_free_share is {self.hand_free_share}; expected 0 to 1')


@dataclass(frozen=True)
class SyntheticImage:
    """An image without hands, and where hands would interact in it.

    Attributes:
        image: uint8 [H, W, 3] RGB.
        corners: float32 [N, 4, 2], (x, y) of the corners of N boxes, clockwise as one sees them,
            as shares of width and height. Each has its middle in the image.
    """

    image: NDArray[np.uint8]
    corners: NDArray[np.float32]


def synthesize(
    frame: NDArray[np.uint8],
    video_size: tuple[int, int],
    interaction: Interaction,
    options: SynthesisOptions,
    rng: np.random.Generator,
    hand_free: NDArray[np.uint8] | None = None,
) -> SyntheticImage:
    """Make a target image of a frame in which hands interact.

    A frame without hands takes its place, where it is known where in it they are about to touch.

    Args:
        frame: uint8 [H, W, 3] RGB, the video's frame at any size.
        video_size: (width, height) of the video, in whose pixels boxes are.
        interaction: what is seen in the frame.
        options: how the image is made.
        rng: what is made depends on it and the other arguments alone.
        hand_free: uint8 [H, W, 3], the frame before the hand came; None: hide the hand.
    """
    size = frame.shape[1], frame.shape[0]
    hands = [
        _resized(hand, np.divide(size, video_size))
        for hand in interaction.hands
        if options.masks.hides(hand, hand in interaction.interacting)
    ]
    # From edges of pixels, of which 0 is the first, to middles, of which 0 is the first.
    corners = options.target.corners(interaction, video_size) * size - 0.5
    moved = None
    if hand_free is not None:
        moved = _moved_corners(corners, frame, hand_free)
    if hand_free is not None and moved is not None:
        hidden, corners = hand_free, moved
    else:
        hidden = without_hands(frame, hands, options.masks, rng)
    middles = corners.mean(axis=1, keepdims=True)
    images, homography = changed_images(hidden[None], options.image, rng, list(middles))
    if homography is not None:
        corners = warp_points(corners.reshape(-1, 2), homography).reshape(corners.shape)
    return SyntheticImage(images[0], ((corners + 0.5) / size).astype(np.float32))


def _moved_corners(
    corners: NDArray[np.float64], frame: NDArray[np.uint8], hand_free: NDArray[np.uint8]
) -> NDArray[np.float64] | None:
    """Where corners lie in another frame; None where that is not known, or not in that frame."""
    motion = camera_motion(frame, hand_free)
    if motion is None:
        return None
    moved = warp_points(corners.reshape(-1, 2), motion).reshape(corners.shape)
    return moved if inside(moved.mean(axis=1), frame.shape[:2]).all() else None


def _resized(hand: Hand, scale: NDArray[np.float64]) -> Hand:
    left, top, right, bottom = (np.reshape(hand.box, (2, 2)) * scale).ravel().tolist()
    # Only what is hidden is asked for.
    return replace(hand, box=(left, top, right, bottom), touch=None)
