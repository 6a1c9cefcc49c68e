# SPDX-License-Identifier: Apache-2.0
"""Random changes of a picture and of the boxes in it."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.data.augmentation.crop import CropOptions, draw_crop
from afformer_core.data.augmentation.photometric import PhotometricOptions, draw_colour_change
from afformer_core.data.augmentation.probability import happens, require_probability
from afformer_core.data.augmentation.warp import warp_pictures

_Picture = NDArray[np.uint8]
_Boxes = NDArray[np.float64]


@dataclass(frozen=True)
class HandAugmentation:
    """How far pictures of hands are changed at most; as it is made, not at all.

    Attributes:
        flip: share of the pictures that are mirrored, 0 to 1.
        photometric: changes of colour.
        crop: part of the picture that is enlarged; the middle of every hand stays in it.
        border: of one colour, that is put around a picture, so that hands become smaller; as a
            share of each side, at least 0. What was cropped gets none.
        blur: standard deviation in pixels, at least 0.
    """

    flip: float = 0.0
    photometric: PhotometricOptions = field(default_factory=PhotometricOptions)
    crop: CropOptions = field(default_factory=CropOptions)
    border: float = 0.0
    blur: float = 0.0

    def __post_init__(self) -> None:
        require_probability(self.flip)
        if not (self.border >= 0 and self.blur >= 0):
            raise ValueError(
                f'border is {self.border} and blur {self.blur}; both must be at least 0'
            )

    def apply(
        self, image: _Picture, boxes: _Boxes, generator: np.random.Generator
    ) -> tuple[_Picture, _Boxes]:
        """A changed picture.

        Args:
            image: uint8 RGB [H, W, 3].
            boxes: float64 [N, 4], (left, top, right, bottom), of the edges of pixels.
            generator: what is drawn depends on it alone.

        Returns:
            picture and boxes, which are cut off where it ends.
        """
        if happens(self.flip, generator):
            image, boxes = mirrored(image, boxes)
        size = (image.shape[0], image.shape[1])
        # Centres of pixels are integers there.
        centres = [(box.reshape(2, 2).mean(axis=0) - 0.5)[None] for box in boxes]
        crop = draw_crop(self.crop, size, generator, centres or None)
        if crop is not None:
            image, boxes = warp_pictures(image[None], crop)[0], _moved(boxes, crop, size)
        elif self.border:
            image, boxes = bordered(image, boxes, self.border * generator.random(4), generator)
        return self._degraded(image, generator), boxes

    def _degraded(self, image: _Picture, generator: np.random.Generator) -> _Picture:
        """A picture as a worse camera would have taken it."""
        change = draw_colour_change(self.photometric, generator)
        if change is not None:
            image = change.apply(image[None])[0]
        sigma = self.blur * generator.random()
        if sigma > 0:
            image = np.asarray(cv2.GaussianBlur(image, (0, 0), max(sigma, 0.1)), np.uint8)
        return image


def mirrored(image: _Picture, boxes: _Boxes) -> tuple[_Picture, _Boxes]:
    """A picture with left and right exchanged, and its boxes; see `HandAugmentation.apply`."""
    width = image.shape[1]
    left, top, right, bottom = boxes.T
    turned = np.stack((width - right, top, width - left, bottom), axis=1)
    return np.asarray(cv2.flip(image, 1), np.uint8), turned


def bordered(
    image: _Picture, boxes: _Boxes, shares: _Boxes, generator: np.random.Generator
) -> tuple[_Picture, _Boxes]:
    """A picture with a border of a random grey.

    Args:
        image, boxes, generator: see `HandAugmentation.apply`.
        shares: [4], of its width or height on the left, top, right and bottom.
    """
    height, width = image.shape[:2]
    left, top, right, bottom = (shares * (width, height, width, height)).astype(int).tolist()
    grey = (int(generator.integers(256)),) * 3
    framed = cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_CONSTANT, value=grey)
    return np.asarray(framed, np.uint8), boxes + (left, top, left, top)


def _moved(boxes: _Boxes, crop: NDArray[np.float64], size: tuple[int, int]) -> _Boxes:
    """Boxes in an enlarged crop, cut off where it ends."""
    corners = boxes.reshape(-1, 2, 2) - 0.5
    moved = corners * crop.diagonal()[:2] + crop[:2, 2] + 0.5
    return np.asarray(moved.clip(0, (size[1], size[0]))).reshape(-1, 4)
