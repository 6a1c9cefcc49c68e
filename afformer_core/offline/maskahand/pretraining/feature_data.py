# SPDX-License-Identifier: Apache-2.0
"""Pre-training on features of clips from a frozen backbone, which are cached on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from afformer_core.licences import UNKNOWN
from afformer_core.models.backbones.encoder import Encoder
from afformer_core.offline.maskahand.pretraining.clip_images import ClipImages
from afformer_core.offline.maskahand.pretraining.interactions import InteractionClip
from afformer_core.offline.maskahand.pretraining.pretraining_data import MaskAHandData
from afformer_core.offline.maskahand.pretraining.pretraining_dataset import (
    PretrainingExample,
    boxes_of,
    images_of,
)
from afformer_core.offline.maskahand.pretraining.synthesis import SynthesisSettings
from afformer_core.offline.training.datasets.batch import (
    Batch,
    FailedBatch,
    FailedExample,
    collate_features,
    failure,
)
from afformer_core.offline.training.datasets.batched_data import AnnotationSource, Examples
from afformer_core.offline.training.datasets.feature_data import (
    FeatureCache,
    FeatureDataset,
    encoders_in_training,
    open_feature_cache,
)
from afformer_core.offline.training.datasets.feature_files import (
    ImageSet,
    folder_of_part,
    open_features,
)


@dataclass(frozen=True)
class ClipFeatures:
    """Backbone stages of demonstrations, float16, memory-mapped from disk.

    Attributes:
        stages: one array for each, fine to coarse, [clips, T, C, h, w]; shorter demonstrations
            repeat their last frame.
        lengths: number of actual frames, int64 [clips].
    """

    stages: tuple[NDArray[np.float16], ...]
    lengths: NDArray[np.int64]


def open_clip_features(
    folder: Path, clips: Sequence[InteractionClip], encoder: Encoder, images: ClipImages
) -> ClipFeatures:
    """Open the features of clips; compute them first if they are missing or do not match.

    Args:
        folder: folder of the features.
        clips: all training clips.
        encoder: encoder, whose backbone runs in evaluation mode.
        images: reader of the clips.

    Raises:
        VideoError: a video is missing, damaged, or not the one that was mined.
    """
    lengths = [len(clip.demonstration(images.frames)) for clip in clips]
    stacks = _Demonstrations(clips, images, max(lengths))
    demonstrations = ImageSet('demonstrations', stacks, np.asarray)
    key = {'clips': _digest(clips, images)}
    features = open_features(folder, [demonstrations], encoder, key)
    return ClipFeatures(features['demonstrations'], np.array(lengths))


class _Demonstrations(Sequence[NDArray[np.uint8]]):
    """The frames of clips, read one by one; shorter ones repeat their last frame."""

    def __init__(self, clips: Sequence[InteractionClip], images: ClipImages, frames: int) -> None:
        self._clips = clips
        self._images = images
        self._frames = frames

    def __len__(self) -> int:
        return len(self._clips)

    def __getitem__(self, number: int) -> NDArray[np.uint8]:  # type: ignore[override]
        shown = self._images.read(self._clips[number]).demonstration
        return shown[np.minimum(np.arange(self._frames), len(shown) - 1)]


def _digest(clips: Sequence[InteractionClip], images: ClipImages) -> str:
    """Hash the frames of each clip and the state of each video, to detect changes."""
    digest = hashlib.sha256(json.dumps(images.size).encode())
    fingerprints: dict[tuple[Path, str], str] = {}
    for clip in clips:
        source = clip.video.path, clip.video.topic
        if source not in fingerprints:
            fingerprints[source] = images.fingerprint(clip)
        times = [clip.video.times[number] for number in clip.demonstration(images.frames)]
        facts = (str(source[0].resolve()), source[1], fingerprints[source], times)
        digest.update(json.dumps(facts).encode())
    return digest.hexdigest()


_SYNTHESIS = SynthesisSettings()


class MaskAHandFeatureData(MaskAHandData):
    """Features of clips from a frozen backbone, computed once, and images made in every step.

    It is suitable for machines without a GPU: target images pass through the whole backbone, but
    clips only through its trained part. At least its first stage must be frozen (see
    `FeatureData`). `MaskAHandData` describes the other arguments.

    Args:
        cache_folder: folder for features of clips, and for frames with hands.
        validation: annotated data, measured without its actions; null: none. Each of its clips
            needs at least `frames` frames.
    """

    def __init__(
        self,
        index: Path | str,
        cache_folder: Path,
        validation: AnnotationSource | None = None,
        input_size: tuple[int, int] = (128, 128),
        frames: int = 8,
        synthesis: SynthesisSettings = _SYNTHESIS,
        targets: int = 3,
        interactions: int = 8,
        image_side: int = 256,
        batch_size: int = 12,
        workers: int = 0,
        seed: int = 0,
        licence: str = UNKNOWN,
    ) -> None:
        self._cache_folder = Path(cache_folder)
        kept = self._cache_folder / 'frames'
        super().__init__(
            index, validation, input_size, frames, synthesis, targets, interactions, image_side,
            batch_size, workers, kept, seed=seed, licence=licence,
        )  # fmt: skip

    def prepare_data(self) -> None:
        """Compute the features, once on each machine."""
        super().prepare_data()
        self._clip_features()
        if self.validation_samples:
            self._validation_features()

    def _training(self) -> Examples:
        return self._examples, partial(collate_with_features, self._clip_features())

    def _validation(self) -> Examples:
        features = self._validation_features()
        return FeatureDataset(self.validation_samples, features), collate_features

    def _clip_features(self) -> ClipFeatures:
        encoder = encoders_in_training(self.trainer).video
        return open_clip_features(self._folder('clips'), self._clips, encoder, self._images)

    def _validation_features(self) -> FeatureCache:
        return open_feature_cache(
            self._folder('validation'),
            self.validation_samples,
            encoders_in_training(self.trainer),
            self.input_size,
            self._images.frames,
        )

    def _folder(self, name: str) -> Path:
        return folder_of_part(self._cache_folder, name, self.input_size)


def collate_with_features(
    features: ClipFeatures, examples: Sequence[PretrainingExample | FailedExample]
) -> Batch | FailedBatch:
    """Collate examples to a batch with the demonstrations' features instead of their frames."""
    read = [example for example in examples if isinstance(example, PretrainingExample)]
    if len(read) < len(examples):
        return failure(examples)
    clips = [example.clip for example in read]
    return Batch(
        boxes_of(read),
        tuple(example.clip for example in read for _ in example.corners),
        tuple(torch.from_numpy(stage[clips]) for stage in features.stages),
        images_of(read),
        torch.from_numpy(features.lengths[clips]),
    )
