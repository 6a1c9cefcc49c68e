# SPDX-License-Identifier: Apache-2.0
"""Clips for predictors: the pair's own, of other videos, and blank ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.data.readers.part_pairs import ClipPoint, PartPair
from afformer_core.demonstrations.media import MediaFrames, read_demonstration
from afformer_core.errors import DatasetError
from afformer_core.media.video import VideoReader

Point = tuple[float, float]
"""(x, y) as shares of an image's width and height, 0 to 1."""

_GREY = 128


@dataclass(frozen=True)
class MarkedFrame:
    """A frame with a marked contact of the demonstration.

    Attributes:
        image: uint8 RGB [H, W, 3].
        point: position of the mark.
    """

    image: NDArray[np.uint8]
    point: Point

    def percent_away(self, point: Point) -> float:
        """Measure from a point of the frame to the mark, in percent of the diagonal."""
        size = np.array(self.image.shape[1::-1])
        apart = (np.array(point) - self.point) * size
        return float(100 * np.hypot(*apart) / np.hypot(*size))


@dataclass(frozen=True)
class Clip:
    """A demonstration in memory.

    Attributes:
        name: unique name.
        frames: uint8 RGB [T, H, W, 3], evenly spaced, the clip's first one first.
        marked: frame with the marked contact, or None.
        contact: contact in the first frame, if it is given to the model.
        media: video of the frames, from which the contact can be read; None for frames only.
        is_blank: whether all frames are grey.
    """

    name: str
    frames: NDArray[np.uint8]
    marked: MarkedFrame | None
    contact: Point | None = None
    media: MediaFrames | None = None
    is_blank: bool = False

    def with_contact(self) -> Clip:
        """Return the same clip with the marked frame first, given its mark as the contact.

        Raises:
            ValueError: nothing is marked.
        """
        if self.marked is None:
            raise ValueError(f'{self.name} has no mark; expected one')
        frames = np.concatenate((self.marked.image[None], self.frames[1:]))
        name = f'{self.name}, contact marked'
        return replace(self, name=name, frames=frames, contact=self.marked.point, media=None)

    def blank(self) -> Clip:
        """Return the clip with all frames grey.

        Blank clips with the same number of frames have the same name, because models treat them
        equally.
        """
        marked = self.marked
        return Clip(
            f'{len(self.frames)} blank frames',
            np.full_like(self.frames, _GREY),
            marked and replace(marked, image=np.full_like(marked.image, _GREY)),
            is_blank=True,
        )


def read_clip(pair: PartPair, frame_count: int) -> Clip:
    """Read the clip of a pair.

    Args:
        pair: pair of the clip.
        frame_count: maximum number of frames.

    Raises:
        VideoError: the clip cannot be read.
        DatasetError: the contact was marked in a frame that does not exist.
    """
    return read_marked_clip(
        pair.sample.sample_id, pair.sample.video_path, pair.marked, frame_count
    )


def read_marked_clip(name: str, path: Path, mark: ClipPoint | None, frame_count: int) -> Clip:
    """Read a clip, and the frame of a mark.

    Args:
        name: name of the clip.
        path: path of the video, or of a folder of frames.
        mark: the contact, or None.
        frame_count: maximum number of frames.

    Raises:
        VideoError: the clip cannot be read.
        DatasetError: the contact was marked in a frame that does not exist.
    """
    media = read_demonstration(path, frame_count)
    if mark is not None and mark.frame >= media.frame_count:
        raise DatasetError(
            f'{name} marks the contact in frame {mark.frame}; {path} has {media.frame_count} '
            'frames, from 0. Correct its annotation'
        )
    marked = None
    if mark is not None:
        image = media.frames[0]
        if mark.frame:
            with VideoReader(path) as reader:
                (image,) = reader.read([mark.frame])
        marked = mark_frame(image, mark)
    return Clip(name, np.stack(media.frames), marked, media=media)


def mark_frame(image: NDArray[np.uint8], mark: ClipPoint) -> MarkedFrame:
    """Mark a point in uint8 RGB [H, W, 3]."""
    height, width = image.shape[:2]
    return MarkedFrame(image, ((mark.x + 0.5) / width, (mark.y + 0.5) / height))


def other_videos(pairs: Sequence[PartPair]) -> list[int | None]:
    """For each pair, find the index of a pair in its folder with another source video.

    This is the pair half the folder's list further on, because neighbours often show similar
    objects, or the next pair after that one with another source video. It is None if all pairs
    have the same one.

    Args:
        pairs: pairs in the order of their files.
    """
    found: list[int | None] = [None] * len(pairs)
    for folder in dict.fromkeys(pair.folder for pair in pairs):
        indices = [index for index, pair in enumerate(pairs) if pair.folder == folder]
        for number, index in enumerate(indices):
            first = number + len(indices) // 2
            turned = (indices[(first + step) % len(indices)] for step in range(len(indices)))
            found[index] = next(
                (other for other in turned if pairs[other].group != pairs[index].group), None
            )
    return found


def visiting_order(others: Sequence[int | None]) -> list[int]:
    """Order pairs so that the other clip of a pair is usually the clip of the next pair.

    Args:
        others: see `other_videos`.

    Returns:
        each index once.
    """
    order: dict[int, None] = {}
    for start in range(len(others)):
        index: int | None = start
        while index is not None and index not in order:
            order[index] = None
            index = others[index]
    return list(order)
