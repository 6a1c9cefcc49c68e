# SPDX-License-Identifier: Apache-2.0
"""The frames of clips from which examples are made, decoded and resized."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import VideoError
from afformer_core.media.images import resize_to_input
from afformer_core.offline.data.clip_reader import FrameCache, SampledClip
from afformer_core.offline.maskahand.mining.index import MinedVideo
from afformer_core.offline.maskahand.pretraining.interactions import InteractionClip
from afformer_core.offline.maskahand.sources import FrameSource, open_source

# Increment when the resizing of frames changes.
_CACHE_VERSION = 1


@dataclass(frozen=True)
class ClipFrames:
    """The frames from which examples are made.

    Attributes:
        demonstration: uint8 [T, h, w, 3] RGB, the demonstration at the model's input size.
        interactions: uint8 [M, H, W, 3] RGB, the frames of the clip's interactions, in the shape
            of the video: masks are drawn in them before they become squares.
        hand_free: uint8 [H, W, 3] RGB of that shape, the frames without a hand to which
            interactions refer, by number.
    """

    demonstration: NDArray[np.uint8]
    interactions: NDArray[np.uint8]
    hand_free: Mapping[int, NDArray[np.uint8]]


@dataclass(frozen=True)
class ClipImages:
    """A reader of the clips of mined videos.

    Attributes:
        size: (height, width) of a demonstration's frames.
        frames: maximum number of frames of a demonstration.
        image_side: longest side of the frames with interactions.
        cache_folder: folder of the cache of clips; None for no cache. Several processes may share
            it.
        folder_rate: frame numbers per second of videos that are folders of frames (see
            `open_source`).
    """

    size: tuple[int, int]
    frames: int
    image_side: int
    cache_folder: Path | None = None
    folder_rate: float | None = None

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise ValueError(f'frames is {self.frames}; expected at least 1')
        if self.image_side < 1:
            raise ValueError(f'image_side is {self.image_side}; expected at least 1')

    def read(self, clip: InteractionClip) -> ClipFrames:
        """Read the frames of a clip, which must not be modified because they may be memory-mapped.

        Raises:
            VideoError: the video is missing, damaged, or not the one that was mined.
            DatasetError: the cache folder cannot be written, for example to a full disk.
        """
        parts = self._parts(clip)
        if self.cache_folder is None:
            return _clip_frames(clip, self._decode(clip.video, parts))
        cache = FrameCache(self.cache_folder)
        keys = self._keys(clip, parts)
        kept = [kept_images for kept_images in map(cache.load, keys) if kept_images is not None]
        if len(kept) < len(keys):
            kept = self._decode(clip.video, parts)
            for key, kept_images in zip(keys, kept, strict=True):
                cache.save(key, kept_images)
        return _clip_frames(clip, kept)

    def fingerprint(self, video: MinedVideo) -> str:
        """Return a text that changes when the file of a video changes.

        Raises:
            VideoError: the video no longer exists.
        """
        try:
            return self._source(video).fingerprint()
        except OSError as error:
            raise VideoError(
                f'{video.path} cannot be read: {error}. Restore it or mine again'
            ) from error

    def _source(self, video: MinedVideo) -> FrameSource:
        return open_source(video.path, video.topic, self.folder_rate, video.lens)

    def _parts(self, clip: InteractionClip) -> list[list[float]]:
        """Return the seconds of the demonstration's frames, and of the others (see `ClipFrames`).

        Those without a hand are left out if there is none.
        """
        interactions = [interaction.number for interaction in clip.interactions]
        numbers = (clip.demonstration(self.frames), interactions, clip.hand_free)
        return [[clip.video.times[number] for number in part] for part in numbers if part]

    def _decode(self, video: MinedVideo, parts: Sequence[Sequence[float]]) -> list[SampledClip]:
        """Decode the frames of each of a clip's parts."""
        times = sorted({time for part in parts for time in part})
        images = self._source(video).at(times)
        height, width = images.shape[1:3]
        if (width, height) != video.size:
            raise VideoError(
                f'{video.path} has frames of {width}x{height}; expected '
                f'{video.size[0]}x{video.size[1]}, as when it was mined. Mine again'
            )
        at = dict(zip(times, images, strict=True))
        shown, *others = parts
        stacks = [
            np.stack([resize_to_input(at[time], self.size) for time in shown]),
            *(np.stack([self._fitted(at[time]) for time in part]) for part in others),
        ]
        return [SampledClip(stack, (tuple(range(len(stack))),)) for stack in stacks]

    def _fitted(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Shrink an image whose longer side is above `image_side`."""
        height, width = image.shape[:2]
        scale = min(1.0, self.image_side / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        if size == (width, height):
            return image
        return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)

    def _keys(self, clip: InteractionClip, parts: Sequence[Sequence[float]]) -> list[str]:
        """Compute the cache's key of each of the clip's parts."""
        video = clip.video
        source = (str(video.path.resolve()), video.topic, self.fingerprint(video))
        keys = []
        for part, times in enumerate(parts):
            size = self.image_side if part else self.size
            described = json.dumps((_CACHE_VERSION, *source, times, size))
            keys.append(hashlib.sha256(described.encode()).hexdigest())
        return keys


def _clip_frames(clip: InteractionClip, parts: Sequence[SampledClip]) -> ClipFrames:
    demonstration, interactions, *hand_free = (part.frames for part in parts)
    images = hand_free[0] if hand_free else ()
    return ClipFrames(demonstration, interactions, dict(zip(clip.hand_free, images, strict=True)))
