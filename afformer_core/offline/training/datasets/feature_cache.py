# SPDX-License-Identifier: Apache-2.0
"""Backbone features of a whole dataset on disk, for training with a frozen backbone.

Each image passes through the backbone once, for any number of pairs and epochs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import DatasetError
from afformer_core.media.frame_folder import FrameFolder, frame_paths
from afformer_core.media.images import read_image, resize_to_input
from afformer_core.media.video import read_video
from afformer_core.models.backbones.encoder import Encoder
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.training.datasets.feature_files import ImageSet, open_features


@dataclass(frozen=True)
class FeatureCache:
    """Backbone stages of every image and video of a dataset, float16, memory-mapped from disk.

    Attributes:
        images: one array for each stage, [images, 1, C, h, w].
        videos: one array for each stage, [videos, T, C, h, w].
        image_rows: row of each image's path.
        video_rows: row of each video's path.
    """

    images: tuple[NDArray[np.float16], ...]
    videos: tuple[NDArray[np.float16], ...]
    image_rows: dict[str, int]
    video_rows: dict[str, int]


@dataclass(frozen=True)
class ImageAndVideoEncoder:
    """The encoders of the cached features; most models have the same one for both.

    Attributes:
        image: the encoder of images.
        video: the encoder of frames.
    """

    image: Encoder
    video: Encoder


def open_feature_cache(
    folder: Path,
    samples: Sequence[Sample],
    encoders: ImageAndVideoEncoder,
    size: tuple[int, int],
    frames: int,
) -> FeatureCache:
    """Open the cache of a dataset; build it first if it is missing or does not match.

    Args:
        folder: folder of the cache.
        samples: samples of the dataset.
        encoders: encoders, whose backbones run in evaluation mode.
        size: (height, width) to which images and frames are resized.
        frames: number of frames of each video, uniformly sampled; every video must have at least
            as many.

    Raises:
        AfformerError: an image or a video cannot be read, a video is too short, or the folder
            cannot be written, for example to a full disk.
    """
    images = sorted({str(sample.image_path) for sample in samples})
    videos = sorted({sample.demonstration for sample in samples})
    shown = {sample.demonstration: sample for sample in samples}
    image_set = ImageSet('images', images, partial(_read_image, size))
    clips = [shown[video] for video in videos]
    video_set = ImageSet('videos', clips, partial(_read_clip, size, frames))
    key = {
        'images': images,
        'videos': videos,
        'files': _state_of_files(samples),
        'size': list(size),
        'frames': frames,
    }
    if encoders.image is encoders.video:
        features = open_features(folder, (image_set, video_set), encoders.image, key)
    else:
        features = {
            **open_features(folder / 'images', (image_set,), encoders.image, key),
            **open_features(folder / 'videos', (video_set,), encoders.video, key),
        }
    return FeatureCache(
        features['images'],
        features['videos'],
        {path: row for row, path in enumerate(images)},
        {path: row for row, path in enumerate(videos)},
    )


def _state_of_files(samples: Sequence[Sample]) -> str:
    """Hash names, sizes and times of the files, to detect replaced ones."""
    # Many clips may share the folder of a video, which is listed once.
    folders: dict[Path, FrameFolder] = {}
    paths = {sample.image_path for sample in samples}
    for clip in {sample.video_path for sample in samples}:
        paths.update(frame_paths(clip, folders) or (clip,))
    digest = hashlib.sha256()
    for path in sorted(path for path in paths if path.exists()):
        state = path.stat()
        digest.update(f'{path} {state.st_size} {state.st_mtime_ns}\n'.encode())
    return digest.hexdigest()


def _read_image(size: tuple[int, int], path: str) -> NDArray[np.uint8]:
    return resize_to_input(read_image(Path(path)), size)[None]


def _read_clip(size: tuple[int, int], frames: int, sample: Sample) -> NDArray[np.uint8]:
    video = read_video(sample.video_path, frames, sample.clip)
    if len(video) != frames:
        raise DatasetError(
            f'{sample.demonstration} has {len(video)} frames; expected at least {frames} in each '
            'video'
        )
    return np.stack([resize_to_input(frame, size) for frame in video])
