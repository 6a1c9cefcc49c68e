# SPDX-License-Identifier: Apache-2.0
"""A contact sheet of mined clips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.drawing.overlay import draw_text
from afformer_core.hands.hand import Hand
from afformer_core.maskahand.mining.index import HandIndex, MinedVideo
from afformer_core.maskahand.sources import open_source
from afformer_core.media.images import require_image_path, write_image
from afformer_core.media.video_frames import uniform_indices

_MOST = 48
_COLUMNS = 6
_WIDTH, _HEIGHT, _CAPTION = 320, 240, 22
_TEXT_SIZE = 0.45
_CONTACT, _NO_CONTACT = (255, 150, 0), (0, 200, 255)

RgbImage = NDArray[np.uint8]


def write_contact_sheet(path: Path, index: HandIndex) -> None:
    """Write a JPEG or PNG of the interactions in an index, evenly chosen where there are many.

    For each clip it shows the frame with the surest interaction, with all hands, the name of the
    video and the seconds. Only a few frames are in memory at a time.

    Args:
        path: file that ends in one of `IMAGE_SUFFIXES`.
        index: index with at least one clip.

    Raises:
        ValueError: the path ends otherwise, or there is no clip.
        AfformerError: a video cannot be read any more.
        OSError: the file cannot be written.
    """
    require_image_path(path)
    shown = list(_best_frames(index))
    if not shown:
        raise ValueError('the index has 0 clips; expected at least 1 to show')
    chosen = [shown[i] for i in uniform_indices(len(shown), _MOST)]
    columns = min(_COLUMNS, len(chosen))
    rows = -(-len(chosen) // columns)
    sheet = np.zeros((rows * (_HEIGHT + _CAPTION), columns * _WIDTH, 3), np.uint8)
    for position, (video, number) in enumerate(chosen):
        top, left = position // columns * (_HEIGHT + _CAPTION), position % columns * _WIDTH
        tile = sheet[top : top + _HEIGHT + _CAPTION, left : left + _WIDTH]
        _draw_tile(tile, video, number, index)
    write_image(path, sheet)


def draw_hands(image: RgbImage, hands: Sequence[Hand], scale: float) -> RgbImage:
    """Resize an image and draw the boxes of hands with their scores.

    Hands in contact are orange, others blue; a dot marks the point of contact, if known.

    Args:
        image: uint8 [H, W, 3] RGB.
        hands: hands, best first, in pixels of the image.
        scale: pixels of the result for a pixel of the image.
    """
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
    drawn = np.asarray(cv2.resize(image, size, interpolation=interpolation), np.uint8)
    for hand in reversed(hands):
        left, top, right, bottom = (round(each * scale) for each in hand.box)
        colour = _CONTACT if hand.contact else _NO_CONTACT
        cv2.rectangle(drawn, (left, top), (right - 1, bottom - 1), colour, 2)
        if hand.contact_point is not None:
            x, y = (round(each * scale) for each in hand.contact_point)
            cv2.circle(drawn, (x, y), 3, colour, -1, cv2.LINE_AA)
        label = f'{"contact" if hand.contact else "no contact"} {hand.score:.2f}'
        # At the upper edge of the image the label goes inside the box.
        line = top - 4 if top >= 16 else top + 14
        draw_text(drawn, label, (max(0, left), line), _TEXT_SIZE)
    return drawn


def _best_frames(index: HandIndex) -> Iterator[tuple[MinedVideo, int]]:
    """Yield the surest interaction of each clip; one in two clips only once."""
    for video in index.videos:
        best = {
            max(
                (number for number in range(first, last + 1) if number in video.hands),
                key=lambda number: max(
                    (hand.score for hand in video.hands[number] if hand.contact), default=0.0
                ),
            )
            for first, last in video.clips
        }
        yield from ((video, number) for number in sorted(best))


def _draw_tile(tile: RgbImage, video: MinedVideo, number: int, index: HandIndex) -> None:
    source = open_source(video.path, video.topic, index.settings.get('number_rate'))
    image = source.at([video.times[number]])[0]
    scale = min(_WIDTH / image.shape[1], _HEIGHT / image.shape[0])
    drawn = draw_hands(image, video.hands[number], scale)
    height, width = drawn.shape[:2]
    left, top = (_WIDTH - width) // 2, (_HEIGHT - height) // 2
    tile[top : top + height, left : left + width] = drawn
    name = f'{video.path.name}{video.topic}  {video.times[number]:.1f} s'
    text = name.encode('ascii', 'replace').decode()
    draw_text(tile, text, (4, _HEIGHT + _CAPTION - 7), _TEXT_SIZE)
