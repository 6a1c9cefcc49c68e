# SPDX-License-Identifier: Apache-2.0
"""OPRA's original annotations: text files, as its authors release them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from afformer_core.data.annotated_dataset import AnnotatedDataset, naming, read_text
from afformer_core.data.readers.opra import OPRA_ACTIONS, OPRA_ORIGIN
from afformer_core.data.sample import Sample
from afformer_core.errors import DatasetError

_POINTS = 10
_FIELDS = 9 + 2 * _POINTS


@dataclass(frozen=True)
class _Line:
    """One line: one action in one image after one clip."""

    video_path: Path
    image_path: Path
    image_size: tuple[int, int]
    action: int
    points: np.ndarray


class OpraTextDataset(AnnotatedDataset):
    """The samples of `annotations/train.txt` or `annotations/test.txt`.

    A line is `channel playlist video start duration image height width action x0 y0 ... x9 y9`,
    the action counted from 1, the points in pixels of an image of that height and width; they may
    lie outside it. Lines of the same clip and image are one sample with several actions, and an
    action may occur twice, as in the JSON form; samples are in the order of their first lines.
    Empty lines are skipped.

    Args:
        annotations: the file.
        root: folder of `clips` and `images`; None for the parent of the annotations' folder.

    Raises:
        DatasetError: the file is missing, contains no sample, or is malformed; the message names
            the line.
    """

    def __init__(self, annotations: Path | str, root: Path | str | None = None) -> None:
        path = Path(annotations)
        super().__init__(path, path.parent.parent if root is None else Path(root), OPRA_ACTIONS)
        together: dict[tuple[Path, Path], list[_Line]] = {}
        for number, text in enumerate(read_text(path).splitlines(), start=1):
            if not text.strip():
                continue
            with naming(f'line {number} of {path}'):
                line = self._read_line(text)
                same = together.setdefault((line.video_path, line.image_path), [])
                if same and same[0].image_size != line.image_size:
                    raise ValueError(
                        f'its image is {_by(line.image_size)}; expected '
                        f'{_by(same[0].image_size)} as in an earlier line of the clip and image'
                    )
                same.append(line)
        if not together:
            raise DatasetError(
                f'{path} contains 0 samples; expected at least 1. Download the annotations again'
            )
        self._samples = [
            Sample(
                sample_id=f'{path.stem}/{number}',
                video_path=lines[0].video_path,
                image_path=lines[0].image_path,
                image_size=lines[0].image_size,
                actions=tuple(line.action for line in lines),
                points=tuple(line.points for line in lines),
                origin=OPRA_ORIGIN,
            )
            for number, lines in enumerate(together.values())
        ]

    def _read_line(self, text: str) -> _Line:
        fields = text.split()
        if len(fields) != _FIELDS:
            raise ValueError(
                f'the number of fields is {len(fields)}; expected {_FIELDS}, separated by spaces'
            )
        channel, playlist, video, start, duration, image, height, width, action = fields[:9]
        # The name of the clip's file contains their text, so 6.50 and 6.5 are different files.
        for seconds in (start, duration):
            _number(seconds)
        size = (int(_number(width)), int(_number(height)))
        if min(size) < 1:
            raise ValueError(f'the image is {_by(size)}; expected sides of at least 1')
        product = Path(channel, playlist, video)
        return _Line(
            video_path=self.root / 'clips' / product / f'{start}_{duration}.mp4',
            image_path=self.root / 'images' / product / image,
            image_size=size,
            action=_action(action),
            points=np.array([_number(each) for each in fields[9:]]).reshape(_POINTS, 2),
        )


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f'a number is {text!r}; expected a finite one')
    return number


def _action(text: str) -> int:
    """Parse the index from 0 of an action counted from 1."""
    if not text.isdecimal() or not 1 <= int(text) <= len(OPRA_ACTIONS):
        raise ValueError(f'action is {text}; expected 1 to {len(OPRA_ACTIONS)}')
    return int(text) - 1


def _by(size: tuple[int, int]) -> str:
    return f'{size[0]}x{size[1]}'
