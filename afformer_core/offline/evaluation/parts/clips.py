# SPDX-License-Identifier: Apache-2.0
"""Clips for predictors: the pair's own, with and without a given contact, and negatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.media import MediaFrames, read_demonstration
from afformer_core.errors import DatasetError
from afformer_core.media.video import VideoReader
from afformer_core.offline.data.readers.part_pairs import ClipPoint, PartPair

Point = tuple[float, float]
"""(x, y) as shares of an image's width and height, 0 to 1."""

NEAR, CLOSE = 5.0, 2.5
"""Percent of the diagonal within which a point is near a part or a mark, or close to a mark."""


CONTACT_MARKED = 'contact marked'
"""End of the name of a clip with its marked contact."""


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

    def moved(self, percent: float, rng: np.random.Generator) -> MarkedFrame:
        """Move the mark in a random direction, at most to the border of the frame.

        Args:
            percent: distance in percent of the diagonal.
            rng: generator of the direction.
        """
        size = np.array(self.image.shape[1::-1])
        angle = rng.uniform(0, 2 * np.pi)
        away = percent / 100 * np.hypot(*size) * np.array((np.cos(angle), np.sin(angle)))
        x, y = np.clip(self.point + away / size, 0, 1).tolist()
        return replace(self, point=(x, y))


@dataclass(frozen=True)
class Clip:
    """A demonstration in memory.

    Attributes:
        name: unique name.
        frames: uint8 RGB [T, H, W, 3], evenly spaced, the clip's first one first.
        marked: frame with the marked contact, or None.
        contact: contact that is given to the model, in a frame that replaces the first; None: the
            model finds it.
        media: video of the frames, from which the contact can be read; None for frames only.
    """

    name: str
    frames: NDArray[np.uint8]
    marked: MarkedFrame | None
    contact: MarkedFrame | None = None
    media: MediaFrames | None = None

    def given(self, contact: MarkedFrame, how: str) -> Clip:
        """Return the same clip with a given contact.

        Args:
            contact: see the attribute.
            how: end of its name, which distinguishes the given contacts of a clip.
        """
        return replace(self, name=f'{self.name}, {how}', contact=contact)


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


@dataclass(frozen=True)
class Negatives:
    """Indices of the pairs whose clips are shown as negatives of a pair; None without one.

    Attributes:
        elsewhere: a pair of the same folder and of another source, or if the folder has only one
            source, of another source video.
        nearby: another pair of the same folder and source, of another source video, which often
            shows another thing on the same table.
    """

    elsewhere: int | None
    nearby: int | None


def find_negatives(pairs: Sequence[PartPair]) -> list[Negatives]:
    """Find the negatives of each pair.

    Each is the first fitting pair from half the folder's list further on, because neighbours often
    show similar objects.

    Args:
        pairs: pairs in the order of their files.
    """
    found = {}
    for folder in dict.fromkeys(pair.folder for pair in pairs):
        indices = [index for index, pair in enumerate(pairs) if pair.folder == folder]
        for number, index in enumerate(indices):
            half = number + len(indices) // 2
            turned = [indices[(half + step) % len(indices)] for step in range(len(indices))]
            videos = [other for other in turned if pairs[other].group != pairs[index].group]
            alike = [other for other in videos if pairs[other].source == pairs[index].source]
            apart = [other for other in videos if other not in alike]
            elsewhere, *rest = (*apart, *alike) or (None,)
            nearby = next((other for other in alike if other in rest), None)
            found[index] = Negatives(elsewhere, nearby)
    return [found[index] for index in range(len(pairs))]
