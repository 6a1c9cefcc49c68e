# SPDX-License-Identifier: Apache-2.0
"""Frames of the films of the demo; all images are uint8 RGB [H, W, 3]."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

RgbImage = NDArray[np.uint8]

_BACKGROUND = (24, 26, 30)
_TEXT = (235, 235, 235)
_FAINT = (165, 170, 178)
_MARGIN = 16
# Height of a bar with one line of label.
_LABEL_HEIGHT = 32


def grounding_film_frame(
    clip: RgbImage, overlay: RgbImage, title: str, result: str = ''
) -> RgbImage:
    """Compose a frame of the demonstration beside an overlay; see `robot_film_frame`."""
    height = overlay.shape[0]
    shown = _at_height(clip, round(height * 0.6))
    left = np.full((height, shown.shape[1], 3), _BACKGROUND, np.uint8)
    top = (height - shown.shape[0]) // 2
    left[top : top + shown.shape[0]] = shown
    return _film_frame(left, overlay, title, result)


def robot_film_frame(
    clip: RgbImage,
    spectator: RgbImage,
    overlay: RgbImage,
    label: str,
    title: str,
    result: str,
) -> RgbImage:
    """Compose the spectator's view and the overlay, with the demonstration in a corner.

    Args:
        clip: frame of the demonstration.
        spectator: image of the arm and the fixture.
        overlay: overlay on the image of the robot's camera.
        label: caption of the overlay.
        title: description of the task.
        result: result so far.

    Returns:
        a frame with even sides, of one size for images of one size.
    """
    height = spectator.shape[0]
    left = spectator.copy()
    inset = _at_height(clip, height // 3)
    left[8 : 8 + inset.shape[0], 8 : 8 + inset.shape[1]] = inset
    right = _at_height(overlay, height - _LABEL_HEIGHT)
    bar = _text_bar(right.shape[1], [(label, _FAINT, 15)], 0)
    return _film_frame(left, np.concatenate([bar, right]), title, result)


def same_size(images: Iterable[RgbImage], size: tuple[int, int]) -> Iterator[RgbImage]:
    """Resize each image to fit into (width, height), centred."""
    width, height = size
    for image in images:
        scale = min(width / image.shape[1], height / image.shape[0])
        inner = (round(image.shape[1] * scale), round(image.shape[0] * scale))
        fitted = cv2.resize(image, inner, interpolation=cv2.INTER_AREA)
        canvas = np.full((height, width, 3), _BACKGROUND, np.uint8)
        top, left = (height - inner[1]) // 2, (width - inner[0]) // 2
        canvas[top : top + inner[1], left : left + inner[0]] = fitted
        yield canvas


def _film_frame(left: RgbImage, right: RgbImage, title: str, result: str) -> RgbImage:
    gap = np.full((left.shape[0], _MARGIN, 3), _BACKGROUND, np.uint8)
    body = np.concatenate([left, gap, right], axis=1)
    head = _text_bar(body.shape[1], [(title, _TEXT, 22), (result or ' ', _FAINT, 18)])
    image = np.concatenate([head, body])
    return image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2]


def _at_height(image: RgbImage, height: int) -> RgbImage:
    width = round(image.shape[1] * height / image.shape[0])
    shrinks = height < image.shape[0]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (width, height), interpolation=interpolation), np.uint8)


def _text_bar(
    width: int, lines: list[tuple[str, tuple[int, int, int], int]], margin: int = _MARGIN
) -> RgbImage:
    height = 10 + sum(round(size * 1.45) for _, _, size in lines)
    bar = Image.new('RGB', (width, height), _BACKGROUND)
    draw = ImageDraw.Draw(bar)
    top = 6
    for text, colour, size in lines:
        font = ImageFont.load_default(size)
        while size > 9 and draw.textlength(text, font) > width - 2 * margin:
            size -= 1
            font = ImageFont.load_default(size)
        draw.text((margin, top), text, colour, font)
        top += round(size * 1.45)
    return np.asarray(bar, np.uint8)
