# SPDX-License-Identifier: Apache-2.0
"""Random augmentation of an image or a stack of frames, and of its boxes."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.offline.data.augmentation.geometric import CropSettings, draw_crop, warp_images
from afformer_core.offline.data.augmentation.photometric import (
    PhotometricSettings,
    draw_colour_change,
    require_shares,
)

_RgbImage = NDArray[np.uint8]
_Boxes = NDArray[np.float64]


@dataclass(frozen=True)
class HandAugmentation:
    """The maximum random changes of images of hands; by default there are none.

    Attributes:
        flip: probability of mirroring, 0 to 1.
        photometric: changes of colour.
        crop: enlarged crops, which contain the centre of every hand.
        border: width of a border of one colour around an image, which makes hands smaller, as a
            share of each side, at least 0. Crops get none.
        blur: standard deviation in pixels, at least 0.
        reverse: probability of reversing a stack of frames, 0 to 1; contact stays the same.
        cut: probability of replacing frames before or after the middle one, 0 to 1 (see
            `cut_video`).

    Raises:
        ValueError: a value is out of its range.
    """

    flip: float = 0.0
    photometric: PhotometricSettings = field(default_factory=PhotometricSettings)
    crop: CropSettings = field(default_factory=CropSettings)
    border: float = 0.0
    blur: float = 0.0
    reverse: float = 0.0
    cut: float = 0.0

    def __post_init__(self) -> None:
        require_shares(self, 'flip', 'reverse', 'cut')
        if not (self.border >= 0 and self.blur >= 0):
            raise ValueError(
                f'border is {self.border} and blur {self.blur}; expected at least 0 for both'
            )

    def apply(
        self, frames: _RgbImage, boxes: _Boxes, rng: np.random.Generator
    ) -> tuple[_RgbImage, _Boxes]:
        """Change an image or a stack of frames, with the same change for each frame.

        Args:
            frames: uint8 RGB [T, H, W, 3].
            boxes: float64 [N, 4], (left, top, right, bottom), of the edges of pixels.
            rng: random generator, which alone determines the result.

        Returns:
            frames and boxes, which are clipped to the image.
        """
        if rng.random() < self.flip:
            frames, boxes = mirrored(frames, boxes)
        if rng.random() < self.reverse:
            frames = frames[::-1]
        size = (frames.shape[1], frames.shape[2])
        # The crop has integer coordinates at the centres of pixels.
        centres = [(box.reshape(2, 2).mean(axis=0) - 0.5)[None] for box in boxes]
        crop = draw_crop(self.crop, size, rng, centres or None)
        if crop is not None:
            frames, boxes = warp_images(frames, crop), _moved(boxes, crop, size)
        elif self.border:
            frames, boxes = bordered(frames, boxes, self.border * rng.random(4), rng)
        return self._degraded(frames, rng), boxes

    def _degraded(self, frames: _RgbImage, rng: np.random.Generator) -> _RgbImage:
        """Change colours and sharpness like a worse camera."""
        change = draw_colour_change(self.photometric, rng)
        if change is not None:
            frames = change.apply(frames)
        sigma = self.blur * rng.random()
        if sigma > 0:
            blurred = [cv2.GaussianBlur(frame, (0, 0), max(sigma, 0.1)) for frame in frames]
            frames = np.asarray(np.stack(blurred), np.uint8)
        return frames


def cut_video(frames: _RgbImage, other: _RgbImage, rng: np.random.Generator) -> _RgbImage:
    """Replace some frames before or after the middle one with those of another video.

    Args:
        frames: uint8 RGB [T, H, W, 3]; a single frame is unchanged.
        other: the same number of frames, of any size.
        rng: random generator, which alone determines the result.
    """
    middle, (height, width) = len(frames) // 2, frames.shape[1:3]
    if not middle:
        return frames
    beyond = int(rng.integers(1, middle + 1))
    there = slice(beyond) if rng.random() < 0.5 else slice(len(frames) - beyond, None)
    changed = frames.copy()
    changed[there] = [cv2.resize(other_frame, (width, height)) for other_frame in other[there]]
    return np.asarray(changed)


def mirrored(frames: _RgbImage, boxes: _Boxes) -> tuple[_RgbImage, _Boxes]:
    """Mirror an image and its boxes left to right (see `HandAugmentation.apply`)."""
    width = frames.shape[2]
    left, top, right, bottom = boxes.T
    turned = np.stack((width - right, top, width - left, bottom), axis=1)
    return frames[:, :, ::-1], turned


def bordered(
    frames: _RgbImage, boxes: _Boxes, shares: _Boxes, rng: np.random.Generator
) -> tuple[_RgbImage, _Boxes]:
    """Add a border of a random grey to an image.

    Args:
        frames, boxes, generator: see `HandAugmentation.apply`.
        shares: [4], widths on the left, top, right and bottom, as shares of width or height.
    """
    height, width = frames.shape[1:3]
    left, top, right, bottom = (shares * (width, height, width, height)).astype(int).tolist()
    grey = int(rng.integers(256))
    around = ((0, 0), (top, bottom), (left, right), (0, 0))
    framed = np.pad(frames, around, constant_values=grey)
    return framed, boxes + (left, top, left, top)


def _moved(boxes: _Boxes, crop: NDArray[np.float64], size: tuple[int, int]) -> _Boxes:
    """Convert boxes to an enlarged crop, clipped to it."""
    corners = boxes.reshape(-1, 2, 2) - 0.5
    moved = corners * crop.diagonal()[:2] + crop[:2, 2] + 0.5
    return np.asarray(moved.clip(0, (size[1], size[0]))).reshape(-1, 4)
