# SPDX-License-Identifier: Apache-2.0
"""Features of clips from a frozen backbone, which are cached on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from afformer_core.models.backbones.encoder import Encoder
from afformer_core.offline.maskahand.pretraining.clip_images import ClipImages
from afformer_core.offline.maskahand.pretraining.interactions import InteractionClip
from afformer_core.offline.maskahand.pretraining.pretraining_dataset import (
    PretrainingExample,
    collate_pretraining,
)
from afformer_core.offline.training.datasets.batch import Batch, FailedBatch, FailedExample
from afformer_core.offline.training.datasets.feature_files import ImageSet, open_features


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

    def collate(
        self, examples: Sequence[PretrainingExample | FailedExample]
    ) -> Batch | FailedBatch:
        """Collate examples to a batch with these features instead of frames of demonstrations."""
        batch = collate_pretraining(examples)
        if isinstance(batch, FailedBatch):
            return batch
        clips = [example.clip for example in examples if isinstance(example, PretrainingExample)]
        return replace(
            batch,
            videos=tuple(torch.from_numpy(stage[clips]) for stage in self.stages),
            lengths=torch.from_numpy(self.lengths[clips]),
        )


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
            fingerprints[source] = images.fingerprint(clip.video)
        times = [clip.video.times[number] for number in clip.demonstration(images.frames)]
        facts = (str(source[0].resolve()), source[1], fingerprints[source], times)
        digest.update(json.dumps(facts).encode())
    return digest.hexdigest()
