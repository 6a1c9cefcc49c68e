# SPDX-License-Identifier: Apache-2.0
"""The index of mined videos: hands that touch something, with their times and boxes.

An index is a JSON file without frames: it names videos, relative to its own folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from afformer_core.errors import DatasetError
from afformer_core.files.atomic import write_aside
from afformer_core.hands.hand import Hand

FORMAT = 'afformer-hand-index'
VERSION = 1


@dataclass(frozen=True)
class MinedVideo:
    """A video whose hands were detected.

    Attributes:
        path: path of the file, the folder of frames or the bag.
        topic: topic of the images in a bag, else empty.
        size: (width, height) of its frames in pixels.
        times: seconds from its first frame of each examined frame, increasing.
        hands: hands in an examined frame, best first, by the frame's number; frames without hands
            are left out.
        clips: (first, last) number of the frames of each clip with an interaction.
    """

    path: Path
    topic: str
    size: tuple[int, int]
    times: tuple[float, ...]
    hands: Mapping[int, tuple[Hand, ...]]
    clips: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        count = len(self.times)
        if min(self.size) < 1:
            raise ValueError(f'size is {self.size[0]}x{self.size[1]}; expected at least 1x1 pixel')
        for earlier, later in pairwise(self.times):
            if later <= earlier:
                raise ValueError(f'time {later} follows {earlier}; expected increasing times')
        for number in self.hands:
            if not 0 <= number < count:
                raise ValueError(f'hands are in frame {number}; expected 0 to {count - 1}')
        for first, last in self.clips:
            if not 0 <= first <= last < count:
                raise ValueError(
                    f'a clip is from frame {first} to {last}; expected rising numbers from 0 to '
                    f'{count - 1}'
                )


@dataclass(frozen=True)
class HandIndex:
    """All that was mined.

    Attributes:
        settings: what it depends on besides the videos: the detector's name, the rate, length and
            stride of clips, and the `number_rate` of folders of frames, or None.
        interaction_score: a hand in contact is an interaction from this score on.
        videos: examined videos, in the order of their paths.
        broken: (path, reason) of videos that could not be read, or not to their end.
    """

    settings: Mapping[str, Any]
    interaction_score: float
    videos: tuple[MinedVideo, ...]
    broken: tuple[tuple[Path, str], ...] = ()

    @property
    def clips(self) -> int:
        """Number of clips."""
        return sum(len(video.clips) for video in self.videos)


def write_index(path: Path, index: HandIndex) -> None:
    """Write an index, whole or not at all; the same index gives the same bytes.

    Raises:
        OSError: it cannot be written.
    """
    fields = {
        'format': FORMAT,
        'version': VERSION,
        'settings': dict(index.settings),
        'interaction_score': index.interaction_score,
        'videos': [_video_fields(video, path.parent) for video in index.videos],
        'broken': [
            {'path': _relative(broken, path.parent), 'reason': reason}
            for broken, reason in index.broken
        ],
    }
    write_aside(path, (json.dumps(fields) + '\n').encode())


def read_index(path: Path) -> HandIndex:
    """Read an index.

    Raises:
        DatasetError: the file is missing, or not an index that this release can read.
    """
    try:
        fields = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise DatasetError(
            f'index {path} cannot be read: {error}. Write one with `afformer mine`'
        ) from error
    found = (fields.get('format'), fields.get('version')) if isinstance(fields, dict) else fields
    if found != (FORMAT, VERSION):
        raise DatasetError(
            f'{path} is {found}; expected an index of hands of version {VERSION}. Write one with '
            '`afformer mine`'
        )
    try:
        return HandIndex(
            dict(fields['settings']),
            float(fields['interaction_score']),
            tuple(_video(each, path.parent) for each in fields['videos']),
            tuple(
                (_absolute(each['path'], path.parent), each['reason']) for each in fields['broken']
            ),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DatasetError(f'index {path} is damaged: {error}. Mine again') from error


def hands_to_json(hands: Mapping[int, Sequence[Hand]]) -> dict[str, Any]:
    """Convert hands by the number of their frame to JSON types."""
    return {
        str(number): [
            [*hand.box, hand.contact, hand.score, *(hand.contact_point or ())]
            for hand in hands[number]
        ]
        for number in sorted(hands)
    }


def hands_from_json(fields: Mapping[str, Any]) -> dict[int, tuple[Hand, ...]]:
    """Convert the result of `hands_to_json` back to hands.

    Raises:
        AttributeError, TypeError, ValueError: it is something else.
    """
    return {int(number): tuple(map(_hand, hands)) for number, hands in fields.items()}


def _video_fields(video: MinedVideo, folder: Path) -> dict[str, Any]:
    return {
        'path': _relative(video.path, folder),
        'topic': video.topic,
        'size': video.size,
        'times': video.times,
        'hands': hands_to_json(video.hands),
        'clips': video.clips,
    }


def _video(fields: Mapping[str, Any], folder: Path) -> MinedVideo:
    width, height = fields['size']
    return MinedVideo(
        _absolute(fields['path'], folder),
        str(fields['topic']),
        (int(width), int(height)),
        tuple(map(float, fields['times'])),
        hands_from_json(fields['hands']),
        tuple((int(first), int(last)) for first, last in fields['clips']),
    )


def _hand(values: list[Any]) -> Hand:
    left, top, right, bottom, contact, score, *contact_point = values
    box = float(left), float(top), float(right), float(bottom)
    if not contact_point:
        return Hand(box, bool(contact), score)
    x, y = map(float, contact_point)
    return Hand(box, bool(contact), score, (x, y))


def _absolute(path: str, folder: Path) -> Path:
    return Path(os.path.normpath(folder / path))


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()
