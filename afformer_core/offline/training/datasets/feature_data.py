# SPDX-License-Identifier: Apache-2.0
"""Training data as features of the frozen stages of a backbone, computed once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch import Trainer
from numpy.typing import NDArray
from torch.utils.data import Dataset

from afformer_core.errors import DatasetError
from afformer_core.media.frame_folder import FrameFolder, frame_paths
from afformer_core.media.images import read_image, resize_to_input
from afformer_core.media.video import read_video
from afformer_core.media.video_frames import uniform_indices
from afformer_core.models.afformer import Afformer
from afformer_core.models.matching.network import MatchingNetwork
from afformer_core.offline.data.augmentation.reversal import Reversal
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.training.datasets.batch import (
    AnnotatedPoints,
    FeatureExample,
    collate_features,
    shares_of,
)
from afformer_core.offline.training.datasets.batched_data import AnnotatedData
from afformer_core.offline.training.datasets.feature_files import (
    ImageSet,
    folder_of_part,
    open_features,
)
from afformer_core.offline.training.datasets.samplers import Draw


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


def open_feature_cache(
    folder: Path,
    samples: Sequence[Sample],
    model: Afformer | MatchingNetwork,
    size: tuple[int, int],
    frames: int,
) -> FeatureCache:
    """Open the cache of a dataset; build it first if it is missing or does not match.

    Args:
        folder: folder of the cache.
        samples: samples of the dataset.
        model: model with the encoders, whose backbones run in evaluation mode.
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
    image_set = ImageSet(
        'images', images, lambda path: resize_to_input(read_image(Path(path)), size)[None]
    )
    clips = [shown[video] for video in videos]
    video_set = ImageSet('videos', clips, partial(_read_clip, size, frames))
    key = {
        'images': images,
        'videos': videos,
        'files': _state_of_files(samples),
        'size': list(size),
        'frames': frames,
    }
    if model.encoder is model.video_encoder:
        features = open_features(folder, (image_set, video_set), model.encoder, key)
    else:
        features = {
            **open_features(folder / 'images', (image_set,), model.encoder, key),
            **open_features(folder / 'videos', (video_set,), model.video_encoder, key),
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


def _read_clip(size: tuple[int, int], frames: int, sample: Sample) -> NDArray[np.uint8]:
    video = read_video(sample.video_path, frames, sample.clip)
    if len(video) != frames:
        raise DatasetError(
            f'{sample.demonstration} has {len(video)} frames; expected at least {frames} in each '
            'video'
        )
    return np.stack([resize_to_input(frame, size) for frame in video])


class FeatureDataset(Dataset[FeatureExample]):
    """A dataset of examples by their `Draw`.

    Args:
        samples: samples that draws refer to.
        cache: their features.
        reversal: reversal in training; None to play every demonstration forwards.
    """

    def __init__(
        self, samples: Sequence[Sample], cache: FeatureCache, reversal: Reversal | None = None
    ) -> None:
        self._samples = samples
        self._cache = cache
        self._reversal = reversal

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, draw: Draw) -> FeatureExample:
        cache = self._cache
        samples = [self._samples[index] for index in draw.indices]
        negative = [self._samples[index] for index in draw.negative]
        annotated = [
            _annotated(*sample_and_index)
            for sample_and_index in zip(samples, draw.indices, strict=True)
        ]
        frames = slice(None)
        if self._reversal is not None and self._reversal.happens(samples, draw.seed):
            frames = slice(None, None, -1)
            annotated = [
                replace(sample, actions=self._reversal.of(sample.actions)) for sample in annotated
            ]
        actions = annotated[0].actions
        annotated += [AnnotatedPoints.nowhere(actions, index) for index in draw.negative]
        video = cache.video_rows[samples[0].demonstration]
        images = [cache.image_rows[str(sample.image_path)] for sample in (*samples, *negative)]
        return FeatureExample(
            tuple(np.asarray(stage[video][frames]) for stage in cache.videos),
            tuple(np.asarray(stage[images][:, 0]) for stage in cache.images),
            tuple(annotated),
            _contact(samples[0], cache.videos[0].shape[1], frames),
        )


def _contact(
    sample: Sample, count: int, order: slice
) -> tuple[NDArray[np.float32], NDArray[np.bool_]] | None:
    """Return position and time of the contact in some frames of a clip, ordered by a slice."""
    if sample.contact_points is None:
        return None
    unknown = (np.nan, np.nan)
    points = np.array([unknown if point is None else point for point in sample.contact_points])
    in_contact = np.zeros(len(points), bool)
    if sample.contact is not None:
        in_contact[sample.contact[0] : sample.contact[1] + 1] = True
    kept = uniform_indices(len(points), count)[order]
    return points[kept].astype(np.float32), in_contact[kept]


def _annotated(sample: Sample, index: int) -> AnnotatedPoints:
    points = sample.points_by_action
    shares = tuple(shares_of(of_action, sample.image_size) for of_action in points.values())
    return AnnotatedPoints(shares, tuple(points), index)


class FeatureData(AnnotatedData):
    """Training data as features that are computed in advance and cached on disk.

    It is suitable for machines without a GPU: a step computes only the trained parts, which are
    the decoder and the stages of the backbone that are not frozen. At least the first stage must
    be frozen by `backbone_factor` 0 or `frozen`, in each encoder if frames have a separate one.
    Every clip needs at least `frames` frames.

    Args:
        cache_folder: folder of the features, with a subfolder for each set and size.
        frames: number of frames of each clip, uniformly sampled.
        workers, further: see `AnnotatedData`.
    """

    _collate = staticmethod(collate_features)

    def __init__(
        self, cache_folder: Path, frames: int = 8, workers: int = 0, **further: Any
    ) -> None:
        super().__init__(workers=workers, **further)
        self._cache_folder = Path(cache_folder)
        self.longest = frames

    def prepare_data(self) -> None:
        """Compute the features, once on each machine."""
        super().prepare_data()
        for part in ('training', 'validation'):
            if samples := getattr(self, f'{part}_samples'):
                self._features(samples, part)

    def _dataset(self, samples: Sequence[Sample], *, training: bool) -> Dataset[Any]:
        part = 'training' if training else 'validation'
        reversal = self._reversal if training else None
        return FeatureDataset(samples, self._features(samples, part), reversal)

    def _features(self, samples: Sequence[Sample], part: str) -> FeatureCache:
        model = model_in_training(self.trainer)
        folder = folder_of_part(self._cache_folder, part, self.input_size)
        return open_feature_cache(folder, samples, model, self.input_size, self.longest)


def model_in_training(trainer: Trainer | None) -> Afformer | MatchingNetwork:
    """Return the model in training, with its encoders on its device and their first stages frozen.

    Raises:
        ValueError: the first stage of an encoder is trained.
    """
    assert trainer is not None
    model = trainer.lightning_module.model
    assert isinstance(model, Afformer | MatchingNetwork)
    if not all(encoder.backbone_with_fpn.frozen_stages() for encoder in model.encoders):
        raise ValueError(
            'the first stage of a backbone is trained, so its features cannot be cached. Set '
            'optimization.backbone_factor to 0, name the beginning of the backbone in '
            'optimization.frozen, or train on images'
        )
    # The trainer moves the model later, but the features must exist before.
    for encoder in model.encoders:
        encoder.to(trainer.strategy.root_device)
    return model
