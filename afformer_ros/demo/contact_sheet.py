# SPDX-License-Identifier: Apache-2.0
"""Images of the demo: a contact sheet, and a film of a moving camera."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

RgbImage = NDArray[np.uint8]

_BACKGROUND = (24, 26, 30)
_TEXT = (235, 235, 235)
_FAINT = (165, 170, 178)
_OUTLINE = (80, 255, 120)
_MARGIN = 16
_ROW_HEIGHT = 300
# Height of a bar with one line of label.
_LABEL_HEIGHT = 32
_FRAME_COUNT = 4


@dataclass(frozen=True, kw_only=True)
class ContactSheetRow:
    """A grounding for the contact sheet.

    Attributes:
        title: title of the scene.
        result: the result, in one line.
        frames: frames of the demonstration, uint8 RGB [H, W, 3] each.
        image: the camera image.
        overlay: overlay in the size of `image`, or an image of the arm's action.
        outline: outline of the demonstrated element, [K, 2] pixels of `image`, or None.
        labels: captions of `image` and `overlay`.
    """

    title: str
    result: str
    frames: Sequence[RgbImage]
    image: RgbImage
    overlay: RgbImage
    outline: NDArray[np.float64] | None
    labels: tuple[str, str] = ('camera image', 'grounded')


def contact_sheet(rows: Sequence[ContactSheetRow]) -> RgbImage:
    """Compose demonstration frames | camera image | overlay, one row for each grounding.

    Returns:
        uint8 RGB [H, W, 3].
    """
    strips = [_row_image(row) for row in rows]
    width = max(strip.shape[1] for strip in strips)
    return np.concatenate([_padded(strip, width) for strip in strips])


def film_frames(
    clip: Sequence[RgbImage], overlays: Iterable[RgbImage], title: str
) -> Iterator[RgbImage]:
    """Compose the demonstration, in a loop, beside the overlays of a moving camera.

    Returns:
        uint8 RGB [H, W, 3] each, with even sides, all of one size where the overlays are.
    """
    for number, overlay in enumerate(overlays):
        height = overlay.shape[0]
        left = _at_height(clip[number % len(clip)], round(height * 0.6))
        side = np.full((height, left.shape[1], 3), _BACKGROUND, np.uint8)
        top = (height - left.shape[0]) // 2
        side[top : top + left.shape[0]] = left
        gap = np.full((height, _MARGIN, 3), _BACKGROUND, np.uint8)
        body = np.concatenate([side, gap, overlay], axis=1)
        head = _text_bar(body.shape[1], [(title, _TEXT, 20)])
        image = np.concatenate([head, body])
        yield image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2]


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
        clip: frame of the demonstration, uint8 RGB [H, W, 3] like all images here.
        spectator: image of the arm and the fixture.
        overlay: overlay on the image of the robot's camera.
        label: caption of the overlay.
        title: description of the task.
        result: result so far.

    Returns:
        uint8 RGB [H, W, 3] with even sides, of one size for images of one size.
    """
    height = spectator.shape[0]
    left = spectator.copy()
    inset = _at_height(clip, height // 3)
    left[8 : 8 + inset.shape[0], 8 : 8 + inset.shape[1]] = inset
    gap = np.full((height, _MARGIN, 3), _BACKGROUND, np.uint8)
    right = _at_height(overlay, height - _LABEL_HEIGHT)
    bar = _text_bar(right.shape[1], [(label, _FAINT, 15)], 0)
    body = np.concatenate([left, gap, np.concatenate([bar, right])], axis=1)
    head = _text_bar(body.shape[1], [(title, _TEXT, 22), (result or ' ', _FAINT, 18)])
    image = np.concatenate([head, body])
    return image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2]


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


def _row_image(row: ContactSheetRow) -> RgbImage:
    overlay = row.overlay.copy()
    if row.outline is not None:
        polygon = np.round(row.outline * 16).astype(np.int32)
        cv2.polylines(overlay, [polygon], True, _OUTLINE, 2, cv2.LINE_AA, 4)
    chosen = [row.frames[i] for i in _spread(len(row.frames), _FRAME_COUNT)]
    grid = _grid([_at_height(frame, (_ROW_HEIGHT - 8) // 2) for frame in chosen])
    columns = [
        ('demonstration', grid),
        (row.labels[0], _at_height(row.image, _ROW_HEIGHT)),
        (_overlay_label(row), _at_height(overlay, _ROW_HEIGHT)),
    ]
    body = _beside([_labelled(image, label) for label, image in columns])
    head = _text_bar(body.shape[1], [(row.title, _TEXT, 22), (row.result, _FAINT, 18)])
    return np.concatenate([head, body])


def _overlay_label(row: ContactSheetRow) -> str:
    label = row.labels[1]
    return label if row.outline is None else f'{label}; green: the demonstrated element'


def _spread(count: int, expected: int) -> list[int]:
    return [round(i) for i in np.linspace(0, count - 1, min(count, expected))]


def _grid(frames: list[RgbImage]) -> RgbImage:
    """Arrange frames in two rows, so that they remain large enough."""
    frames = frames + [np.full_like(frames[0], _BACKGROUND)] * (-len(frames) % 2)
    half = len(frames) // 2
    gap = np.full((frames[0].shape[0], 8, 3), _BACKGROUND, np.uint8)
    lines = []
    for line in (frames[:half], frames[half:]):
        parts = [part for frame in line for part in (gap, frame)][1:]
        lines.append(np.concatenate(parts, axis=1))
    space = np.full((8, lines[0].shape[1], 3), _BACKGROUND, np.uint8)
    return np.concatenate([lines[0], space, lines[1]])


def _beside(images: list[RgbImage]) -> RgbImage:
    gap = np.full((images[0].shape[0], _MARGIN, 3), _BACKGROUND, np.uint8)
    return np.concatenate([part for strip in images for part in (gap, strip)] + [gap], axis=1)


def _labelled(image: RgbImage, label: str) -> RgbImage:
    """Put an image above its label, all of one height."""
    image = image[:_ROW_HEIGHT]
    canvas = np.full((_ROW_HEIGHT, image.shape[1], 3), _BACKGROUND, np.uint8)
    canvas[: image.shape[0]] = image
    return np.concatenate([canvas, _text_bar(image.shape[1], [(label, _FAINT, 15)], 0)])


def _at_height(image: RgbImage, height: int) -> RgbImage:
    width = round(image.shape[1] * height / image.shape[0])
    shrinks = height < image.shape[0]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (width, height), interpolation=interpolation), np.uint8)


def _padded(image: RgbImage, width: int) -> RgbImage:
    missing = width - image.shape[1]
    side = np.full((image.shape[0], missing, 3), _BACKGROUND, np.uint8)
    return np.concatenate([image, side], axis=1)


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
