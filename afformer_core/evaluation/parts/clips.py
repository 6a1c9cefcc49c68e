# SPDX-License-Identifier: Apache-2.0
"""Clips as predictors are shown them: own ones, those of other videos, and blank ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from afformer_core.data.readers.part_pairs import PartPair
from afformer_core.errors import DatasetError
from afformer_core.media.video import VideoReader
from afformer_core.media.video_frames import uniform_indices

Point = tuple[float, float]
"""(x, y) as shares of an image's width and height, 0 to 1."""

_GREY = 128


@dataclass(frozen=True)
class MarkedFrame:
    """A frame in which somebody marked what the demonstration touches.

    Attributes:
        image: uint8 RGB [H, W, 3].
        point: of the mark.
    """

    image: NDArray[np.uint8]
    point: Point


@dataclass(frozen=True)
class Clip:
    """A demonstration in memory.

    Attributes:
        name: unique among those that are shown.
        frames: uint8 RGB [T, H, W, 3], evenly spaced, the clip's first one first.
        marked: where the contact was marked, or None.
        contact: the contact in the first frame, if a model is to be told it.
    """

    name: str
    frames: NDArray[np.uint8]
    marked: MarkedFrame | None
    contact: Point | None = None

    def with_contact(self) -> Clip:
        """Return the same clip with the marked frame as its first one, and the mark told.

        Raises:
            ValueError: nothing is marked.
        """
        if self.marked is None:
            raise ValueError(f'{self.name} has no mark; expected one')
        frames = np.concatenate((self.marked.image[None], self.frames[1:]))
        name = f'{self.name}, contact marked'
        return replace(self, name=name, frames=frames, contact=self.marked.point)

    def blank(self) -> Clip:
        """Return the same clip with all frames grey, so that it shows nothing."""
        marked = self.marked
        return Clip(
            f'{self.name}, blank',
            np.full_like(self.frames, _GREY),
            marked and replace(marked, image=np.full_like(marked.image, _GREY)),
        )


def read_clip(pair: PartPair, frame_count: int) -> Clip:
    """Read the clip of a pair.

    Args:
        pair: whose clip it is.
        frame_count: frames at most.

    Raises:
        VideoError: the clip cannot be read.
        DatasetError: the contact was marked in a frame that it lacks.
    """
    sample, mark = pair.sample, pair.marked
    with VideoReader(sample.video_path) as reader:
        count = reader.count()
        if mark is not None and mark.frame >= count:
            raise DatasetError(
                f'{sample.sample_id} marks the contact in frame {mark.frame}; '
                f'{sample.video_path} has {count} frames, from 0. Correct its annotation'
            )
        shown = uniform_indices(count, frame_count)
        expected = sorted({*shown, *([] if mark is None else [mark.frame])})
        frames = dict(zip(expected, reader.select(expected), strict=True))
    marked = None
    if mark is not None:
        image = frames[mark.frame]
        height, width = image.shape[:2]
        marked = MarkedFrame(image, ((mark.x + 0.5) / width, (mark.y + 0.5) / height))
    return Clip(sample.sample_id, np.stack([frames[index] for index in shown]), marked)


def other_videos(pairs: Sequence[PartPair]) -> list[PartPair | None]:
    """For each pair, one whose clip is of another source video.

    It is the one half the list further on, where neighbours often show like objects, or the next
    one after that of another source video; None where all are of the same one.

    Args:
        pairs: in the order of their file.
    """
    found: list[PartPair | None] = []
    for number, pair in enumerate(pairs):
        first = number + len(pairs) // 2
        turned = (pairs[(first + step) % len(pairs)] for step in range(len(pairs)))
        found.append(
            next((other for other in turned if other.source_video != pair.source_video), None)
        )
    return found
