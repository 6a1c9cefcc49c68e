# SPDX-License-Identifier: Apache-2.0
"""A contact sheet of mined clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.drawing.overlay import draw_text
from afformer_core.hands.hand import Hand
from afformer_core.maskahand.mining.clip_table import ClipTable
from afformer_core.maskahand.sources import open_source
from afformer_core.media.images import require_image_path, write_image
from afformer_core.media.lens import LensIntrinsics
from afformer_core.media.video_frames import uniform_indices

_MOST = 48
# Maximum number of searched clips; overlapping clips often have the same most certain frame.
_MOST_READ = 2 * _MOST
_COLUMNS = 6
_WIDTH, _HEIGHT, _CAPTION = 320, 240, 22
_TEXT_SIZE = 0.45
_CONTACT, _NO_CONTACT = (255, 150, 0), (0, 200, 255)

RgbImage = NDArray[np.uint8]


@dataclass(frozen=True)
class ShownFrame:
    """A frame of a clip with a hand in contact.

    Attributes:
        path, topic, lens: those of the `MinedVideo`.
        time: its seconds.
        hands: all hands in it, best first.
    """

    path: Path
    topic: str
    lens: LensIntrinsics | None
    time: float
    hands: tuple[Hand, ...]


def write_contact_sheet(path: Path, table: ClipTable) -> None:
    """Write a JPEG or PNG of the interactions in clips, evenly chosen if there are many.

    For each clip, it shows the frame with the most certain interaction, with all hands, the name
    of the video and the time. Only a few videos and frames are in memory at a time.

    Args:
        path: file that ends in one of `IMAGE_SUFFIXES`.
        table: clips, at least one.

    Raises:
        ValueError: the path has another ending, or there is no clip.
        AfformerError: a video or a shard of the index can no longer be read.
        OSError: the file cannot be written.
    """
    require_image_path(path)
    if not len(table):
        raise ValueError('the index has 0 clips; expected at least 1 to show')
    chosen = frames_to_show(table)
    columns = min(_COLUMNS, len(chosen))
    rows = -(-len(chosen) // columns)
    sheet = np.zeros((rows * (_HEIGHT + _CAPTION), columns * _WIDTH, 3), np.uint8)
    folder_rate = table.head.settings.get('folder_rate')
    for position, frame in enumerate(chosen):
        top, left = position // columns * (_HEIGHT + _CAPTION), position % columns * _WIDTH
        tile = sheet[top : top + _HEIGHT + _CAPTION, left : left + _WIDTH]
        _draw_tile(tile, frame, folder_rate)
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


def frames_to_show(table: ClipTable) -> list[ShownFrame]:
    """Return the most certain interactions of evenly chosen clips, without duplicates.

    Args:
        table: clips, at least one.

    Raises:
        DatasetError: a shard is missing or damaged.
    """
    # In the order of the clips.
    best = dict.fromkeys(_best_frame(table, n) for n in uniform_indices(len(table), _MOST_READ))
    shown = list(best)
    return [shown[i] for i in uniform_indices(len(shown), _MOST)]


def _best_frame(table: ClipTable, clip: int) -> ShownFrame:
    video, (first, last) = table.video(clip), table.window(clip)
    number = max(
        (number for number in range(first, last + 1) if number in video.hands),
        key=lambda number: max(
            (hand.score for hand in video.hands[number] if hand.contact), default=0.0
        ),
    )
    return ShownFrame(
        video.path, video.topic, video.lens, video.times[number], video.hands[number]
    )


def _draw_tile(tile: RgbImage, frame: ShownFrame, folder_rate: float | None) -> None:
    source = open_source(frame.path, frame.topic, folder_rate, frame.lens)
    image = source.at([frame.time])[0]
    scale = min(_WIDTH / image.shape[1], _HEIGHT / image.shape[0])
    drawn = draw_hands(image, frame.hands, scale)
    height, width = drawn.shape[:2]
    left, top = (_WIDTH - width) // 2, (_HEIGHT - height) // 2
    tile[top : top + height, left : left + width] = drawn
    name = f'{frame.path.name}{frame.topic}  {frame.time:.1f} s'
    text = name.encode('ascii', 'replace').decode()
    draw_text(tile, text, (4, _HEIGHT + _CAPTION - 7), _TEXT_SIZE)
