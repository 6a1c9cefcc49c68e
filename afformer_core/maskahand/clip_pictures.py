# SPDX-License-Identifier: Apache-2.0
"""The frames of clips that examples are made of, decoded and resized."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.data.frame_cache import FrameCache, SampledClip
from afformer_core.errors import VideoError
from afformer_core.maskahand.interactions import InteractionClip
from afformer_core.maskahand.sources import FrameSource, open_source
from afformer_core.runtime.preprocessing import resize_to_input

# To be counted up when the same frames would be resized otherwise.
_CACHE_VERSION = 1


@dataclass(frozen=True)
class ClipFrames:
    """What examples are made of.

    Attributes:
        demonstration: uint8 [T, h, w, 3] RGB, what a model is shown, at its input size.
        interactions: uint8 [M, H, W, 3] RGB, the frames of the clip's interactions, in the shape
            of the video: masks are drawn in them before they become squares.
    """

    demonstration: NDArray[np.uint8]
    interactions: NDArray[np.uint8]


@dataclass(frozen=True)
class ClipPictures:
    """Reads clips of mined videos.

    Attributes:
        size: (height, width) of a demonstration's frames.
        frames: of a demonstration at most.
        picture_side: longest side of the frames with interactions at most.
        cache_folder: where clips are kept as they were read; None: nowhere. Several processes may
            share it.
        number_rate: of videos that are folders of frames, see `open_source`.
    """

    size: tuple[int, int]
    frames: int
    picture_side: int
    cache_folder: Path | None = None
    number_rate: float | None = None

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise ValueError(f'frames is {self.frames}; it must be at least 1')
        if self.picture_side < 1:
            raise ValueError(f'picture_side is {self.picture_side}; it must be at least 1')

    def read(self, clip: InteractionClip) -> ClipFrames:
        """The frames of a clip; for reading, as they may be mapped from the cache.

        Raises:
            VideoError: the video is missing, damaged, or not that which was mined.
            DatasetError: the cache folder cannot be written, such as when the disk is full.
        """
        if self.cache_folder is None:
            return self._decode(clip)
        cache = FrameCache(self.cache_folder)
        keys = self._keys(clip)
        kept = [cache.load(key) for key in keys]
        if kept[0] is not None and kept[1] is not None:
            return ClipFrames(kept[0].frames, kept[1].frames)
        decoded = self._decode(clip)
        for key, pictures in zip(keys, (decoded.demonstration, decoded.interactions), strict=True):
            cache.save(key, SampledClip(pictures, (tuple(range(len(pictures))),)))
        return decoded

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

    def _decode(self, clip: InteractionClip) -> ClipFrames:
        shown = clip.demonstration(self.frames)
        interactions = [each.number for each in clip.interactions]
        numbers = sorted({*shown, *interactions})
        pictures = self._source(clip).at([clip.video.times[number] for number in numbers])
        height, width = pictures.shape[1:3]
        if (width, height) != clip.video.size:
            raise VideoError(
                f'{clip.video.path} has frames of {width}x{height}, and had some of '
                f'{clip.video.size[0]}x{clip.video.size[1]} when it was mined; mine again'
            )
        by_number = dict(zip(numbers, pictures, strict=True))
        return ClipFrames(
            np.stack([resize_to_input(by_number[number], self.size) for number in shown]),
            np.stack([self._fitted(by_number[number]) for number in interactions]),
        )

    def _fitted(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width = picture.shape[:2]
        scale = self.picture_side / max(height, width)
        if scale >= 1:
            return picture
        size = max(1, round(width * scale)), max(1, round(height * scale))
        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)

    def _keys(self, clip: InteractionClip) -> tuple[str, str]:
        """Of the demonstration, and of the frames with interactions."""
        shown: Sequence[int] = clip.demonstration(self.frames)
        interactions = [each.number for each in clip.interactions]
        place = (str(clip.video.path.resolve()), clip.video.topic, self.fingerprint(clip))
        parts = ((shown, self.size), (interactions, self.picture_side))
        first, second = (
            hashlib.sha256(
                json.dumps(
                    (_CACHE_VERSION, *place, [clip.video.times[i] for i in numbers], size)
                ).encode()
            ).hexdigest()
            for numbers, size in parts
        )
        return first, second
