# SPDX-License-Identifier: Apache-2.0
"""Training data as features of the frozen stages of a backbone, computed once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch import Trainer
from numpy.typing import NDArray
from torch.utils.data import Dataset

from afformer_core.media.video_frames import uniform_indices
from afformer_core.models.afformer import Afformer
from afformer_core.models.matching.network import MatchingNetwork
from afformer_core.offline.data.augmentation.reversal import Reversal
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.training.datasets.annotated_data import AnnotatedData, AnnotationSource
from afformer_core.offline.training.datasets.collation import (
    AnnotatedPoints,
    FeatureExample,
    collate_features,
    shares_of,
)
from afformer_core.offline.training.datasets.feature_cache import (
    FeatureCache,
    ImageAndVideoEncoder,
    open_feature_cache,
)
from afformer_core.offline.training.datasets.feature_files import folder_of_part
from afformer_core.offline.training.datasets.samplers import Draw


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
        train: training samples.
        cache_folder: folder of the features, with a subfolder for each set and size.
        validation: validation samples; null: none.
        input_size: (height, width) of images and frames, which comes from the model and is not
            set.
        frames: number of frames of each clip, uniformly sampled.
        batch_size: number of demonstrations in a step, over all processes.
        targets: number of target images of each demonstration in a step; 1: pairs are drawn.
        workers: number of reading processes.
        seed: seed of the order.
        negative_targets: number of negative images for each demonstration in a step, which show
            another object and whose heatmap should be uniform, so that confidence is low if the
            demonstrated element is not in view.
        reverse_probability: probability of reversing a demonstration in training.
        reversed_actions: name of the action after the reversal, by the name of the original
            action; demonstrations of other actions are never reversed.
    """

    def __init__(
        self,
        train: AnnotationSource,
        cache_folder: Path,
        validation: AnnotationSource | None = None,
        input_size: tuple[int, int] = (128, 128),
        frames: int = 8,
        batch_size: int = 12,
        targets: int = 3,
        workers: int = 0,
        seed: int = 0,
        negative_targets: int = 0,
        reverse_probability: float = 0.0,
        reversed_actions: dict[str, str] | None = None,
    ) -> None:
        super().__init__(
            train, validation, input_size, batch_size, targets, workers, seed, negative_targets,
            reverse_probability, reversed_actions,
        )  # fmt: skip
        self._cache_folder = Path(cache_folder)
        self._frames = frames

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

    @property
    def longest(self) -> int:
        """Largest number of frames of a demonstration in a batch."""
        return self._frames

    @property
    def _collate(self) -> Callable[[Any], Any]:
        return collate_features

    def _features(self, samples: Sequence[Sample], part: str) -> FeatureCache:
        encoders = encoders_in_training(self.trainer)
        folder = folder_of_part(self._cache_folder, part, self.input_size)
        return open_feature_cache(folder, samples, encoders, self.input_size, self._frames)


def encoders_in_training(trainer: Trainer | None) -> ImageAndVideoEncoder:
    """Return the encoders of the model in training, on its device; their first stages are frozen.

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
    device = trainer.strategy.root_device
    return ImageAndVideoEncoder(model.encoder.to(device), model.video_encoder.to(device))
