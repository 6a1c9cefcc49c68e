# SPDX-License-Identifier: Apache-2.0
"""Random augmentation of an image and its boxes."""

from __future__ import annotations

from dataclasses import dataclass, field

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

    Raises:
        ValueError: a value is out of its range.
    """

    flip: float = 0.0
    photometric: PhotometricSettings = field(default_factory=PhotometricSettings)
    crop: CropSettings = field(default_factory=CropSettings)

    def __post_init__(self) -> None:
        require_shares(self, 'flip')

    def apply(
        self, image: _RgbImage, boxes: _Boxes, rng: np.random.Generator
    ) -> tuple[_RgbImage, _Boxes]:
        """Change an image and its boxes.

        Args:
            image: uint8 RGB [H, W, 3].
            boxes: float64 [N, 4], (left, top, right, bottom), of the edges of pixels.
            rng: random generator, which alone determines the result.

        Returns:
            image and boxes, which are clipped to it.
        """
        if rng.random() < self.flip:
            image, boxes = mirrored(image, boxes)
        size = (image.shape[0], image.shape[1])
        # The crop has integer coordinates at the centres of pixels.
        centres = [(box.reshape(2, 2).mean(axis=0) - 0.5)[None] for box in boxes]
        crop = draw_crop(self.crop, size, rng, centres or None)
        if crop is not None:
            image, boxes = warp_images(image[None], crop)[0], _moved(boxes, crop, size)
        change = draw_colour_change(self.photometric, rng)
        return (image if change is None else change.apply(image[None])[0]), boxes


def mirrored(image: _RgbImage, boxes: _Boxes) -> tuple[_RgbImage, _Boxes]:
    """Mirror an image and its boxes left to right (see `HandAugmentation.apply`)."""
    width = image.shape[1]
    left, top, right, bottom = boxes.T
    turned = np.stack((width - right, top, width - left, bottom), axis=1)
    return image[:, ::-1], turned


def _moved(boxes: _Boxes, crop: NDArray[np.float64], size: tuple[int, int]) -> _Boxes:
    """Convert boxes to an enlarged crop, clipped to it."""
    corners = boxes.reshape(-1, 2, 2) - 0.5
    moved = corners * crop.diagonal()[:2] + crop[:2, 2] + 0.5
    return np.asarray(moved.clip(0, (size[1], size[0]))).reshape(-1, 4)
