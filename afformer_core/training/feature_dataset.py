# SPDX-License-Identifier: Apache-2.0
"""Examples read from the features of a frozen backbone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from torch.utils.data import Dataset

from afformer_core.data.sample import Sample
from afformer_core.evaluation.protocols import points_by_action
from afformer_core.training.collation import AnnotatedPoints, FeatureExample, shares_of
from afformer_core.training.feature_cache import FeatureCache
from afformer_core.training.order import Draw
from afformer_core.training.reversal import Reversal


class FeatureDataset(Dataset[FeatureExample]):
    """Examples by their `Draw`.

    Args:
        samples: that draws are of.
        cache: of their pictures.
        reversal: done in training; None plays every demonstration forwards.
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
        foreign = [self._samples[index] for index in draw.foreign]
        annotated = [_annotated(*each) for each in zip(samples, draw.indices, strict=True)]
        frames = slice(None)
        if self._reversal is not None and self._reversal.happens(samples, draw.seed):
            frames = slice(None, None, -1)
            annotated = [
                replace(each, actions=self._reversal.of(each.actions)) for each in annotated
            ]
        actions = annotated[0].actions
        annotated += [AnnotatedPoints.nowhere(actions, index) for index in draw.foreign]
        video = cache.video_rows[samples[0].demonstration]
        images = [cache.image_rows[str(sample.image_path)] for sample in (*samples, *foreign)]
        return FeatureExample(
            tuple(np.asarray(stage[video][frames]) for stage in cache.videos),
            tuple(np.asarray(stage[images][:, 0]) for stage in cache.images),
            tuple(annotated),
        )


def _annotated(sample: Sample, index: int) -> AnnotatedPoints:
    points = points_by_action(sample)
    shares = tuple(shares_of(each, sample.image_size) for each in points.values())
    return AnnotatedPoints(shares, tuple(points), index)
