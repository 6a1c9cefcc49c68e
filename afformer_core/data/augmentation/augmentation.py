# SPDX-License-Identifier: Apache-2.0
"""All changes of an example, one after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from afformer_core.data.augmentation.crop import CropOptions, draw_crop
from afformer_core.data.augmentation.example import Example
from afformer_core.data.augmentation.flip import FlipOptions, flipped
from afformer_core.data.augmentation.perspective import PerspectiveOptions, draw_perspective
from afformer_core.data.augmentation.photometric import PhotometricOptions, draw_colour_change
from afformer_core.data.augmentation.probability import happens
from afformer_core.data.augmentation.warp import Homography, warp_pictures, warp_points


@dataclass(frozen=True)
class PictureOptions:
    """How the frames of a video, all alike, or an image are changed; not at all by default."""

    photometric: PhotometricOptions = field(default_factory=PhotometricOptions)
    crop: CropOptions = field(default_factory=CropOptions)
    perspective: PerspectiveOptions = field(default_factory=PerspectiveOptions)


@dataclass(frozen=True)
class AugmentationOptions:
    """How examples are changed; not at all by default.

    Attributes:
        flip: of frames and image together.
        video: of the frames, independent of the image.
        image: of the image, with its points.
    """

    flip: FlipOptions = field(default_factory=FlipOptions)
    video: PictureOptions = field(default_factory=PictureOptions)
    image: PictureOptions = field(default_factory=PictureOptions)


class Augmentation:
    """Changes examples at random.

    What becomes of an example depends on it, the options and the generator alone, so that it is
    the same to the bit in whichever process it is made.

    Args:
        options: of the changes.
        action_names: what the actions of examples are indices into.

    Raises:
        ValueError: the options name an action that there is not.
    """

    def __init__(self, options: AugmentationOptions, action_names: Sequence[str]) -> None:
        self.options = options
        self._mirrored_actions = options.flip.mirrored_actions(action_names)

    def __call__(self, example: Example, generator: np.random.Generator) -> Example:
        """The changed example; what it was made of is left as it is.

        Points follow what is under them, out of the image too, but of each action that has
        points in the image at least one stays there.
        """
        flip = self.options.flip
        if flip.probability > 0 and happens(flip.probability, generator):
            example = flipped(example, self._mirrored_actions)
        frames, _ = changed_pictures(example.frames, self.options.video, generator)
        images, homography = changed_pictures(
            example.image[None], self.options.image, generator, example.points
        )
        points = example.points
        if homography is not None:
            points = tuple(warp_points(each, homography) for each in points)
        return Example(frames, images[0], example.actions, points)


def changed_pictures(
    pictures: NDArray[np.uint8],
    options: PictureOptions,
    generator: np.random.Generator,
    points: Sequence[NDArray[np.float64]] | None = None,
) -> tuple[NDArray[np.uint8], Homography | None]:
    """Change pictures at random, all alike.

    Args:
        pictures: uint8 [T, H, W, 3] RGB.
        options: of the changes.
        generator: what becomes of the pictures depends on it, them and the options alone.
        points: sets of points in them, see `draw_crop`.

    Returns:
        the changed pictures, and how their pixels were moved; None where they were not.
    """
    size = pictures.shape[1], pictures.shape[2]
    crop = draw_crop(options.crop, size, generator, points)
    perspective = draw_perspective(options.perspective, size, generator)
    colours = draw_colour_change(options.photometric, generator)
    # Pixels are interpolated once, and what lies beside the crop is there for the slant to show.
    homography = crop if perspective is None else perspective
    if crop is not None and perspective is not None:
        homography = perspective @ crop
    if homography is not None:
        pictures = warp_pictures(pictures, homography, options.perspective.border == 'crop')
    return (pictures if colours is None else colours.apply(pictures)), homography
