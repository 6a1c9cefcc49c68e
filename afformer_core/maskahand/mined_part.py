# SPDX-License-Identifier: Apache-2.0
"""What a detector saw in a part of a video, and the file in which it is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from afformer_core.errors import DatasetError
from afformer_core.maskahand.hand import Hand
from afformer_core.maskahand.index import hands_from_json, hands_to_json
from afformer_core.runtime.model_folder import write_aside


@dataclass(frozen=True)
class MinedPart:
    """What a detector saw in a part of a video.

    Attributes:
        size: (width, height) of its frames in pixels; (0, 0) without any.
        times: seconds from the video's first frame of each frame that was looked at.
        hands: by the number of such a frame within the part, those seen in it, best first.
        damage: why the video could not be read to the part's end; empty where it could.
        lost: frames that could not be read, and were left out.
        loss: where the first of them was, and why; empty without any.
    """

    size: tuple[int, int]
    times: tuple[float, ...]
    hands: Mapping[int, tuple[Hand, ...]]
    damage: str = ''
    lost: int = 0
    loss: str = ''


def write_part(path: Path, part: MinedPart) -> None:
    """Write the file of a part, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    fields = {
        'size': part.size,
        'times': part.times,
        'hands': hands_to_json(part.hands),
        'damage': part.damage,
        'lost': part.lost,
        'loss': part.loss,
    }
    # What a process that was killed while it wrote has left.
    for leftover in path.parent.glob(f'.{path.name}.*'):
        leftover.unlink(missing_ok=True)
    write_aside(path, (json.dumps(fields) + '\n').encode())


def read_part(path: Path) -> MinedPart:
    """What `write_part` wrote.

    Raises:
        DatasetError: the file is missing or was altered.
    """
    try:
        fields = json.loads(path.read_text(encoding='utf-8'))
        width, height = fields['size']
        return MinedPart(
            (int(width), int(height)),
            tuple(map(float, fields['times'])),
            hands_from_json(fields['hands']),
            str(fields['damage']),
            int(fields['lost']),
            str(fields['loss']),
        )
    except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        raise DatasetError(
            f'{path} is damaged: {error}; remove it and run the same command again'
        ) from error
