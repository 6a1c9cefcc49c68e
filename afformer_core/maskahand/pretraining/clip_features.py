# SPDX-License-Identifier: Apache-2.0
"""Backbone features of mined clips, kept on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.maskahand.pretraining.clip_images import ClipImages
from afformer_core.maskahand.pretraining.interactions import InteractionClip
from afformer_core.models.backbones.encoder import Encoder
from afformer_core.training.datasets.feature_cache import ImageSet, open_features


@dataclass(frozen=True)
class ClipFeatures:
    """Backbone stages of demonstrations, float16, mapped from disk.

    Attributes:
        stages: one array for each, fine to coarse, [clips, T, C, h, w]; a demonstration with fewer
            frames has its last one over and over.
        lengths: int64 [clips], frames that each really has.
    """

    stages: tuple[NDArray[np.float16], ...]
    lengths: NDArray[np.int64]


def open_clip_features(
    folder: Path, clips: Sequence[InteractionClip], encoder: Encoder, images: ClipImages
) -> ClipFeatures:
    """Open the features of clips; compute them first where they are absent or of something else.

    Args:
        folder: where they are kept.
        clips: all that are trained on.
        encoder: its backbone is run in evaluation mode.
        images: reads them.

    Raises:
        VideoError: a video is missing, damaged, or not that which was mined.
    """
    lengths = [len(clip.demonstration(images.frames)) for clip in clips]
    names = [str(number) for number in range(len(clips))]
    demonstrations = ImageSet(
        'demonstrations', names, lambda name: _padded(clips[int(name)], images, max(lengths))
    )
    key = {'clips': _digest(clips, images)}
    features = open_features(folder, [demonstrations], encoder, key)
    return ClipFeatures(features['demonstrations'], np.array(lengths))


def _padded(clip: InteractionClip, images: ClipImages, frames: int) -> NDArray[np.uint8]:
    shown = images.read(clip).demonstration
    return shown[np.minimum(np.arange(frames), len(shown) - 1)]


def _digest(clips: Sequence[InteractionClip], images: ClipImages) -> str:
    """Changes with what is shown of each clip, and when a video is written again."""
    digest = hashlib.sha256(json.dumps(images.size).encode())
    fingerprints: dict[tuple[Path, str], str] = {}
    for clip in clips:
        place = clip.video.path, clip.video.topic
        if place not in fingerprints:
            fingerprints[place] = images.fingerprint(clip)
        times = [clip.video.times[number] for number in clip.demonstration(images.frames)]
        facts = (str(place[0].resolve()), place[1], fingerprints[place], times)
        digest.update(json.dumps(facts).encode())
    return digest.hexdigest()
