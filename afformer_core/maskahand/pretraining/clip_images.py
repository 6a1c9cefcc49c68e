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

# To be counted up when the same frames would be resized otherwise.
_CACHE_VERSION = 1


@dataclass(frozen=True)
class ClipFrames:
    """What examples are made of.

    Attributes:
        demonstration: uint8 [T, h, w, 3] RGB, what a model is shown, at its input size.
        interactions: uint8 [M, H, W, 3] RGB, the frames of the clip's interactions, in the shape
            of the video: masks are drawn in them before they become squares.
        hand_free: by number of the frame uint8 [H, W, 3], likewise, those without a hand that
            interactions name.
    """

    demonstration: NDArray[np.uint8]
    interactions: NDArray[np.uint8]
    hand_free: Mapping[int, NDArray[np.uint8]]


@dataclass(frozen=True)
class ClipImages:
    """Reads clips of mined videos.

    Attributes:
        size: (height, width) of a demonstration's frames.
        frames: of a demonstration at most.
        image_side: longest side of the frames with interactions at most.
        cache_folder: where clips are kept as they were read; None: nowhere. Several processes may
            share it.
        number_rate: of videos that are folders of frames, see `open_source`.
    """

    size: tuple[int, int]
    frames: int
    image_side: int
    cache_folder: Path | None = None
    number_rate: float | None = None

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise ValueError(f'frames is {self.frames}; it must be at least 1')
        if self.image_side < 1:
            raise ValueError(f'image_side is {self.image_side}; it must be at least 1')

    def read(self, clip: InteractionClip) -> ClipFrames:
        """The frames of a clip; for reading, as they may be mapped from the cache.

        Raises:
            VideoError: the video is missing, damaged, or not that which was mined.
            DatasetError: the cache folder cannot be written, such as when the disk is full.
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
        """What the cache lacks of some clips; nothing where there is no cache.

        A clip whose video is gone is passed over, as reading it tells of that.
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
        """Of a frame in a part of a clip: the first is shown to the model, others are larger."""
        if part == 0:
            return self.size[0] * self.size[1] * 3
        width, height = self._fitted_size(*clip.video.size)
        return width * height * 3

    def fingerprint(self, clip: InteractionClip) -> str:
        """Another one when the clip's video was written again.

        Raises:
            VideoError: it is gone.
        """
        try:
            return self._source(clip).fingerprint()
        except OSError as error:
            raise VideoError(
                f'{clip.video.path} cannot be read since it was mined: {error}'
            ) from error

    def _source(self, clip: InteractionClip) -> FrameSource:
        return open_source(clip.video.path, clip.video.topic, self.number_rate)

    def _decode(self, clip: InteractionClip) -> list[NDArray[np.uint8]]:
        """The frames of each of the clip's parts."""
        parts = self._parts(clip)
        numbers = sorted({number for part in parts for number in part})
        images = self._source(clip).at([clip.video.times[number] for number in numbers])
        height, width = images.shape[1:3]
        if (width, height) != clip.video.size:
            raise VideoError(
                f'{clip.video.path} has frames of {width}x{height}, and had some of '
                f'{clip.video.size[0]}x{clip.video.size[1]} when it was mined; mine again'
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
        """(width, height) in which the longest side is not above `image_side`."""
        scale = min(1.0, self.image_side / max(height, width))
        return max(1, round(width * scale)), max(1, round(height * scale))

    def _parts(self, clip: InteractionClip) -> list[tuple[int, ...]]:
        """Numbers of the demonstration's frames, of those with interactions, and without hands.

        The last part is missing where it would be empty.
        """
        interactions = tuple(each.number for each in clip.interactions)
        parts = [clip.demonstration(self.frames), interactions, clip.hand_free]
        return [part for part in parts if part]

    def _keys(self, clip: InteractionClip) -> list[str]:
        """Of each of the clip's parts."""
        place = (str(clip.video.path.resolve()), clip.video.topic, self.fingerprint(clip))
        keys = []
        for part, numbers in enumerate(self._parts(clip)):
            size = self.image_side if part else self.size
            times = [clip.video.times[number] for number in numbers]
            described = json.dumps((_CACHE_VERSION, *place, times, size))
            keys.append(hashlib.sha256(described.encode()).hexdigest())
        return keys


def _clip_frames(clip: InteractionClip, parts: Sequence[NDArray[np.uint8]]) -> ClipFrames:
    demonstration, interactions, *hand_free = parts
    images = hand_free[0] if hand_free else ()
    return ClipFrames(demonstration, interactions, dict(zip(clip.hand_free, images, strict=True)))
