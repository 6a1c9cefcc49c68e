# SPDX-License-Identifier: Apache-2.0
"""The sequence of all changes of an example."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.offline.data.augmentation.geometric import (
    CropSettings,
    Homography,
    PerspectiveSettings,
    draw_crop,
    draw_perspective,
    warp_images,
    warp_points,
)
from afformer_core.offline.data.augmentation.photometric import (
    PhotometricSettings,
    draw_colour_change,
    require_shares,
)


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


@dataclass(frozen=True, kw_only=True)
class ImageSettings:
    """Changes of an image, or the same changes of all frames of a video; none by default."""

    photometric: PhotometricSettings = field(default_factory=PhotometricSettings)
    crop: CropSettings = field(default_factory=CropSettings)
    perspective: PerspectiveSettings = field(default_factory=PerspectiveSettings)


@dataclass(frozen=True, kw_only=True)
class FlipSettings:
    """Horizontal flips of frames and image together.

    Attributes:
        probability: probability of a flip, 0 to 1.

    Raises:
        ValueError: the probability is out of its range.
    """

    probability: float = 0.0

    def __post_init__(self) -> None:
        require_shares(self, 'probability')


@dataclass(frozen=True, kw_only=True)
class AugmentationSettings:
    """Changes of examples; none by default.

    Attributes:
        flip: flip of frames and image together.
        video: changes of the frames, independent of the image.
        image: changes of the image, with its points.
    """

    flip: FlipSettings = field(default_factory=FlipSettings)
    video: ImageSettings = field(default_factory=ImageSettings)
    image: ImageSettings = field(default_factory=ImageSettings)


def augmented(
    example: Example, settings: AugmentationSettings, rng: np.random.Generator
) -> Example:
    """Return a randomly changed example; the original is unchanged.

    Points move with the pixels, even out of the image, but each action with points in the image
    keeps at least one inside. The result depends only on the arguments, so that it is
    bit-identical in every process.
    """
    if settings.flip.probability > 0 and rng.random() < settings.flip.probability:
        example = flipped(example)
    frames, _ = changed_images(example.frames, settings.video, rng)
    images, homography = changed_images(example.image[None], settings.image, rng, example.points)
    points = example.points
    if homography is not None:
        points = tuple(warp_points(of_action, homography) for of_action in points)
    return Example(frames, images[0], example.actions, points)


def changed_images(
    images: NDArray[np.uint8],
    settings: ImageSettings,
    rng: np.random.Generator,
    points: Sequence[NDArray[np.float64]] | None = None,
) -> tuple[NDArray[np.uint8], Homography | None]:
    """Apply the same random changes to all images.

    Args:
        images: uint8 [T, H, W, 3] RGB.
        settings: settings of the changes.
        rng: random generator; the result depends only on it, the images and the options.
        points: sets of points in them (see `draw_crop`).

    Returns: the changed images, and the homography of their pixels; None if the pixels were not
    moved.
    """
    size = images.shape[1], images.shape[2]
    crop = draw_crop(settings.crop, size, rng, points)
    perspective = draw_perspective(settings.perspective, size, rng)
    colours = draw_colour_change(settings.photometric, rng)
    # A single warp interpolates pixels only once, and can show pixels outside the crop.
    homography = crop if perspective is None else perspective
    if crop is not None and perspective is not None:
        homography = perspective @ crop
    if homography is not None:
        images = warp_images(images, homography, settings.perspective.border == 'crop')
    return (images if colours is None else colours.apply(images)), homography


def flipped(example: Example) -> Example:
    """Flip an example left to right."""
    right = example.image.shape[1] - 1
    return Example(
        _flip_images(example.frames),
        _flip_images(example.image[None])[0],
        example.actions,
        tuple(np.array([right, 0.0]) + points * (-1.0, 1.0) for points in example.points),
    )


def _flip_images(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    # Flipping one tall image takes a fortieth of the time of NumPy's flip.
    tall = np.ascontiguousarray(images).reshape(-1, *images.shape[2:])
    return np.asarray(cv2.flip(tall, 1), np.uint8).reshape(images.shape)
