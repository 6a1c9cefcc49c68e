# SPDX-License-Identifier: Apache-2.0
"""The frames of clips that examples are made of, decoded and resized."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.data.cache_room import CachePart
from afformer_core.data.frame_cache import FrameCache, SampledClip
from afformer_core.errors import VideoError
from afformer_core.maskahand.pretraining.interactions import InteractionClip
from afformer_core.maskahand.sources import FrameSource, open_source
from afformer_core.media.images import resize_to_input

# Must increase when resizing of the same frames changes.
_CACHE_VERSION = 1


@dataclass(frozen=True)
class ClipFrames:
    """The frames that examples are made of.

    Attributes:
        demonstration: uint8 [T, h, w, 3] RGB, the demonstration at the model's input size.
        interactions: uint8 [M, H, W, 3] RGB, the frames of the clip's interactions, in the shape
            of the video: masks are drawn in them before they become squares.
        hand_free: uint8 [H, W, 3] likewise, by number, the frames without a hand that interactions
            name.
    """

    demonstration: NDArray[np.uint8]
    interactions: NDArray[np.uint8]
    hand_free: Mapping[int, NDArray[np.uint8]]


@dataclass(frozen=True)
class ClipImages:
    """A reader of the clips of mined videos.

    Attributes:
        size: (height, width) of a demonstration's frames.
        frames: largest number of frames of a demonstration.
        image_side: longest side of the frames with interactions.
        cache_folder: folder of the cache of clips; None for no cache. Several processes may share
            it.
        number_rate: frame numbers per second of videos that are folders of frames (see
            `open_source`).
    """

    size: tuple[int, int]
    frames: int
    image_side: int
    cache_folder: Path | None = None
    number_rate: float | None = None

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise ValueError(f'frames is {self.frames}; expected at least 1')
        if self.image_side < 1:
            raise ValueError(f'image_side is {self.image_side}; expected at least 1')

    def read(self, clip: InteractionClip) -> ClipFrames:
        """Read the frames of a clip, which must not be changed: they may be mapped from the cache.

        Raises:
            VideoError: the video is missing, damaged, or not the one that was mined.
            DatasetError: the cache folder cannot be written, for example to a full disk.
        """
        if self.cache_folder is None:
            return _clip_frames(clip, self._decode(clip))
        cache = FrameCache(self.cache_folder)
        keys = self._keys(clip)
        kept = [each for each in map(cache.load, keys) if each is not None]
        if len(kept) < len(keys):
            kept = [
                SampledClip(images, (tuple(range(len(images))),)) for images in self._decode(clip)
            ]
            for key, each in zip(keys, kept, strict=True):
                cache.save(key, each)
        return _clip_frames(clip, [each.frames for each in kept])

    def missing(self, clips: Sequence[InteractionClip]) -> list[CachePart]:
        """Return what the cache lacks of some clips; nothing without a cache.

        A clip whose video is missing is ignored, since reading it will raise an error.
        """
        if self.cache_folder is None:
            return []
        cache, count, size = FrameCache(self.cache_folder), 0, 0
        for clip in clips:
            try:
                keys = self._keys(clip)
            except VideoError:
                continue
            lacking = [
                len(numbers) * self._image_bytes(clip, part)
                for part, (numbers, key) in enumerate(zip(self._parts(clip), keys, strict=True))
                if not cache.path(key).is_file()
            ]
            count += bool(lacking)
            size += sum(lacking)
        return [CachePart(f'frames of {count:,} mined clips', size)] if count else []

    def _image_bytes(self, clip: InteractionClip, part: int) -> int:
        """Return the size of a frame in a part of a clip: those of demonstrations are smaller."""
        if part == 0:
            return self.size[0] * self.size[1] * 3
        width, height = self._fitted_size(*clip.video.size)
        return width * height * 3

    def fingerprint(self, clip: InteractionClip) -> str:
        """Return a text that changes when the clip's video is written again.

        Raises:
            VideoError: the video is gone.
        """
        try:
            return self._source(clip).fingerprint()
        except OSError as error:
            raise VideoError(
                f'{clip.video.path} cannot be read: {error}. Restore it or mine again'
            ) from error

    def _source(self, clip: InteractionClip) -> FrameSource:
        return open_source(clip.video.path, clip.video.topic, self.number_rate)

    def _decode(self, clip: InteractionClip) -> list[NDArray[np.uint8]]:
        """Decode the frames of each of the clip's parts."""
        parts = self._parts(clip)
        numbers = sorted({number for part in parts for number in part})
        images = self._source(clip).at([clip.video.times[number] for number in numbers])
        height, width = images.shape[1:3]
        if (width, height) != clip.video.size:
            raise VideoError(
                f'{clip.video.path} has frames of {width}x{height}; expected '
                f'{clip.video.size[0]}x{clip.video.size[1]}, as when it was mined. Mine again'
            )
        by_number = dict(zip(numbers, images, strict=True))
        shown, *others = parts
        return [
            np.stack([resize_to_input(by_number[number], self.size) for number in shown]),
            *(np.stack([self._fitted(by_number[number]) for number in part]) for part in others),
        ]

    def _fitted(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width = image.shape[:2]
        size = self._fitted_size(width, height)
        if size == (width, height):
            return image
        return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)

    def _fitted_size(self, width: int, height: int) -> tuple[int, int]:
        """Compute (width, height) whose longer side is not above `image_side`."""
        scale = min(1.0, self.image_side / max(height, width))
        return max(1, round(width * scale)), max(1, round(height * scale))

    def _parts(self, clip: InteractionClip) -> list[tuple[int, ...]]:
        """List the frames of the demonstration, those with interactions, and those without hands.

        They are numbers of frames. The last part is missing where it would be empty.
        """
        interactions = tuple(each.number for each in clip.interactions)
        parts = [clip.demonstration(self.frames), interactions, clip.hand_free]
        return [part for part in parts if part]

    def _keys(self, clip: InteractionClip) -> list[str]:
        """Compute the cache's key of each of the clip's parts."""
        source = (str(clip.video.path.resolve()), clip.video.topic, self.fingerprint(clip))
        keys = []
        for part, numbers in enumerate(self._parts(clip)):
            size = self.image_side if part else self.size
            times = [clip.video.times[number] for number in numbers]
            described = json.dumps((_CACHE_VERSION, *source, times, size))
            keys.append(hashlib.sha256(described.encode()).hexdigest())
        return keys


def _clip_frames(clip: InteractionClip, parts: Sequence[NDArray[np.uint8]]) -> ClipFrames:
    demonstration, interactions, *hand_free = parts
    images = hand_free[0] if hand_free else ()
    return ClipFrames(demonstration, interactions, dict(zip(clip.hand_free, images, strict=True)))
