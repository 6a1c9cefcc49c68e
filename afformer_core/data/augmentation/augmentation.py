# SPDX-License-Identifier: Apache-2.0
"""Examples in memory, and all changes of one, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from afformer_core.data.augmentation.flips import FlipOptions, flip_images
from afformer_core.data.augmentation.geometric import (
    CropOptions,
    Homography,
    PerspectiveOptions,
    draw_crop,
    draw_perspective,
    warp_images,
    warp_points,
)
from afformer_core.data.augmentation.photometric import PhotometricOptions, draw_colour_change


@dataclass(frozen=True)
class Example:
    """A demonstration's frames, a target image, and the points of each action in it.

    Attributes:
        frames: uint8 [T, H, W, 3] RGB, at least one.
        image: uint8 [H, W, 3] RGB; its size may differ from that of the frames.
        actions: indices from 0, one for each set of points.
        points: float64 [P, 2] (x, y) each, in pixels of `image`, where centres of pixels are
            integers; some may lie outside.
    """

    frames: NDArray[np.uint8]
    image: NDArray[np.uint8]
    actions: tuple[int, ...]
    points: tuple[NDArray[np.float64], ...]

    def __post_init__(self) -> None:
        _require_images('frames', self.frames, '[T, H, W, 3]')
        _require_images('image', self.image, '[H, W, 3]')
        if len(self.actions) != len(self.points):
            raise ValueError(
                f'got {len(self.actions)} actions but points for {len(self.points)} of them'
            )
        for points in self.points:
            if points.ndim != 2 or points.shape[1] != 2:
                raise ValueError(f'points have shape {points.shape}; expected [P, 2]')


def _require_images(name: str, images: NDArray[np.uint8], expected: str) -> None:
    shape = images.shape
    axes = expected.count(',') + 1
    if images.dtype != np.uint8 or len(shape) != axes or shape[-1] != 3 or 0 in shape:
        raise ValueError(f'{name} is {images.dtype} {list(shape)}; expected uint8 {expected}')


@dataclass(frozen=True)
class ImageOptions:
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
    video: ImageOptions = field(default_factory=ImageOptions)
    image: ImageOptions = field(default_factory=ImageOptions)


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

    def __call__(self, example: Example, rng: np.random.Generator) -> Example:
        """The changed example; what it was made of is left as it is.

        Points follow what is under them, out of the image too, but of each action that has
        points in the image at least one stays there.
        """
        flip = self.options.flip
        if flip.probability > 0 and rng.random() < flip.probability:
            example = flipped(example, self._mirrored_actions)
        frames, _ = changed_images(example.frames, self.options.video, rng)
        images, homography = changed_images(
            example.image[None], self.options.image, rng, example.points
        )
        points = example.points
        if homography is not None:
            points = tuple(warp_points(each, homography) for each in points)
        return Example(frames, images[0], example.actions, points)


def changed_images(
    images: NDArray[np.uint8],
    options: ImageOptions,
    rng: np.random.Generator,
    points: Sequence[NDArray[np.float64]] | None = None,
) -> tuple[NDArray[np.uint8], Homography | None]:
    """Change images at random, all alike.

    Args:
        images: uint8 [T, H, W, 3] RGB.
        options: of the changes.
        rng: what becomes of the images depends on it, them and the options alone.
        points: sets of points in them, see `draw_crop`.

    Returns:
        the changed images, and how their pixels were moved; None where they were not.
    """
    size = images.shape[1], images.shape[2]
    crop = draw_crop(options.crop, size, rng, points)
    perspective = draw_perspective(options.perspective, size, rng)
    colours = draw_colour_change(options.photometric, rng)
    # Pixels are interpolated once, and what lies beside the crop is there for the slant to show.
    homography = crop if perspective is None else perspective
    if crop is not None and perspective is not None:
        homography = perspective @ crop
    if homography is not None:
        images = warp_images(images, homography, options.perspective.border == 'crop')
    return (images if colours is None else colours.apply(images)), homography


def flipped(example: Example, mirrored_actions: Mapping[int, int]) -> Example:
    """An example in a mirror.

    Args:
        example: is left as it is.
        mirrored_actions: what actions become; those that are missing stay.
    """
    right = example.image.shape[1] - 1
    return Example(
        flip_images(example.frames),
        flip_images(example.image[None])[0],
        tuple(mirrored_actions.get(action, action) for action in example.actions),
        tuple(np.array([right, 0.0]) + points * (-1.0, 1.0) for points in example.points),
    )
