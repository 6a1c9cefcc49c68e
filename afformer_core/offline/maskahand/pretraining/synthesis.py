# SPDX-License-Identifier: Apache-2.0
"""Target images without hands, made from frames with hands (paper, sections 4.2 and 4.3)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.hands.hand import Hand
from afformer_core.offline.data.augmentation.augmentation import ImageSettings, changed_images
from afformer_core.offline.data.augmentation.geometric import (
    Homography,
    PerspectiveSettings,
    inside,
    warp_points,
)
from afformer_core.offline.maskahand.pretraining.interactions import Interaction

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
        mask = _mask(hand.box, settings, rng)
        masks.append(mask - mask.mean(axis=0) + rng.uniform(0, size))
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


_CORNERS, _QUALITY, _APART = 300, 0.01, 5
_WINDOW, _LEVELS = (15, 15), 3
# Pixels: largest error of a corner tracked forward and back, and of a corner that moves
# consistently.
_OFF_BACK, _OFF = 0.5, 1.5
# Least number, and least share of the tracked corners, that must move consistently.
_LEAST, _SHARE = 20, 0.5


def camera_motion(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Homography | None:
    """Estimate where the static background of one frame lies in another.

    Corners are tracked (Lucas and Kanade), and most of them must agree, because hands and carried
    objects move differently.

    Args:
        first, second: uint8 [H, W, 3] RGB, of one size.

    Returns:
        [3, 3] from (x, y, 1) in the first frame to that in the second; None if too little is
        visible in both, for example after a cut.
    """
    before, after = (
        np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8) for frame in (first, second)
    )
    found = cv2.goodFeaturesToTrack(before, _CORNERS, _QUALITY, _APART)
    if found is None or len(found) < _LEAST:
        return None
    corners = np.asarray(found, np.float32)
    there, seen = _followed(before, after, corners)
    back, seen_back = _followed(after, before, there)
    off = np.linalg.norm(back - corners, axis=-1).ravel()
    kept = seen & seen_back & (off < _OFF_BACK)
    if kept.sum() < _LEAST:
        return None
    homography, agreeing = cv2.findHomography(corners[kept], there[kept], cv2.RANSAC, _OFF)
    if homography is None or agreeing.sum() < max(_LEAST, _SHARE * len(agreeing)):
        return None
    return np.asarray(homography, np.float64)


def _followed(
    first: NDArray[np.uint8], second: NDArray[np.uint8], corners: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        first, second, corners, np.empty_like(corners), winSize=_WINDOW, maxLevel=_LEVELS
    )
    return np.asarray(there, np.float32), found.ravel().astype(bool)


FORMS = ('box', 'contact_point')


@dataclass(frozen=True)
class BoxTarget:
    """The form of the target.

    Attributes:
        form: 'box' for the whole box, as in the paper; 'contact_point' for a square around the
            detector's point of contact, because the centre of a hand is its palm, or the whole box
            if that point is unknown or outside the frame.
        share: share of the box's longer side for the square; above 0, at most 1.
    """

    form: str = 'box'
    share: float = 0.5

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise ValueError(f'form is {self.form!r}; expected one of {FORMS}')
        if not 0 < self.share <= 1:
            raise ValueError(f'share is {self.share}; expected above 0 and at most 1')

    def corners(self, interaction: Interaction, size: tuple[int, int]) -> NDArray[np.float64]:
        """Compute the targets of all hands that interact in a frame.

        All hands are used instead of a random one. The frame does not show which hand the clip is
        about, and a random choice would have the same mean with more noise.

        Args:
            interaction: the frame.
            size: (width, height) of the frame, in whose pixels the boxes are given.

        Returns:
            float64 [N, 4, 2], (x, y) clockwise in the image, as shares of width and height, 0 to
            1, clipped to the frame.
        """
        corners = []
        for hand in interaction.interacting:
            (left, top), (right, bottom) = self._part(hand, size)
            corners.append([[left, top], [right, top], [right, bottom], [left, bottom]])
        return np.asarray(corners)

    def _part(self, hand: Hand, size: tuple[int, int]) -> NDArray[np.float64]:
        """Return [[left, top], [right, bottom]] as shares of the frame, clipped to it."""
        if self.form == 'contact_point' and hand.contact_point is not None:
            middle = np.array(hand.contact_point)
            if np.all((middle >= 0) & (middle <= size)):
                half = self.share * max(hand.size) / 2
                return np.clip(np.stack((middle - half, middle + half)) / size, 0, 1)
        return np.clip(np.divide(hand.box, (*size, *size)), 0, 1).reshape(2, 2)


_PAPER_CHANGES = ImageSettings(perspective=PerspectiveSettings(distortion=0.5))


@dataclass(frozen=True, kw_only=True)
class SynthesisSettings:
    """Settings of the synthesis of a target image from a frame.

    The defaults are the paper's masks, perspective and target, but with all hands hidden, with
    masks filled in several ways and without black corners; see docs/research/maskahand.md.

    Attributes:
        masks: masks over hands, and elsewhere.
        image: changes of the masked frame, with the boxes in it.
        target: form of the target.
        hand_free_share: share of the images of clips with hand-free frames that are made from such
            a frame instead of one with a hidden hand, 0 to 1. The paper does not use them, because
            its videos are egocentric and always show hands.
    """

    masks: MaskSettings = field(default_factory=MaskSettings)
    image: ImageSettings = _PAPER_CHANGES
    target: BoxTarget = field(default_factory=BoxTarget)
    hand_free_share: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.hand_free_share <= 1:
            raise ValueError(f'hand_free_share is {self.hand_free_share}; expected 0 to 1')


@dataclass(frozen=True)
class SyntheticImage:
    """An image without hands, and the boxes of hands that would interact in it.

    Attributes:
        image: uint8 [H, W, 3] RGB.
        corners: float32 [N, 4, 2], (x, y) of the corners of N boxes, clockwise in the image, as
            shares of width and height. The centre of each lies in the image.
    """

    image: NDArray[np.uint8]
    corners: NDArray[np.float32]


def synthesize(
    frame: NDArray[np.uint8],
    video_size: tuple[int, int],
    interaction: Interaction,
    settings: SynthesisSettings,
    rng: np.random.Generator,
    hand_free: NDArray[np.uint8] | None = None,
) -> SyntheticImage:
    """Make a target image from a frame in which hands interact.

    A frame without hands is used instead, if the position of the following contact is known.

    Args:
        frame: uint8 [H, W, 3] RGB, the video's frame at any size.
        video_size: (width, height) of the video, in whose pixels boxes are.
        interaction: hands in the frame.
        settings: settings of the image.
        rng: random generator; the result depends only on it and the other arguments.
        hand_free: uint8 [H, W, 3], the frame before the hand came; None to hide the hand.
    """
    size = frame.shape[1], frame.shape[0]
    hands = [
        _resized(hand, np.divide(size, video_size))
        for hand in interaction.hands
        if hand in interaction.interacting
        or (settings.masks.hidden == 'all' and hand.score >= settings.masks.hidden_score)
    ]
    # Converts coordinates with 0 at the image's edge to those with 0 at the first pixel's centre.
    corners = settings.target.corners(interaction, video_size) * size - 0.5
    moved = None
    if hand_free is not None:
        moved = _moved_corners(corners, frame, hand_free)
    if hand_free is not None and moved is not None:
        hidden, corners = hand_free, moved
    else:
        hidden = without_hands(frame, hands, settings.masks, rng)
    middles = corners.mean(axis=1, keepdims=True)
    images, homography = changed_images(hidden[None], settings.image, rng, list(middles))
    if homography is not None:
        corners = warp_points(corners.reshape(-1, 2), homography).reshape(corners.shape)
    return SyntheticImage(images[0], ((corners + 0.5) / size).astype(np.float32))


def _moved_corners(
    corners: NDArray[np.float64], frame: NDArray[np.uint8], hand_free: NDArray[np.uint8]
) -> NDArray[np.float64] | None:
    """Move corners into another frame; None if that is unknown, or outside of that frame."""
    motion = camera_motion(frame, hand_free)
    if motion is None:
        return None
    moved = warp_points(corners.reshape(-1, 2), motion).reshape(corners.shape)
    return moved if inside(moved.mean(axis=1), frame.shape[:2]).all() else None


def _resized(hand: Hand, scale: NDArray[np.float64]) -> Hand:
    left, top, right, bottom = (np.reshape(hand.box, (2, 2)) * scale).ravel().tolist()
    # Hiding a hand does not need its point of contact.
    return replace(hand, box=(left, top, right, bottom), contact_point=None)
