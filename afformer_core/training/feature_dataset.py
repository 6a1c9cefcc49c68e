# SPDX-License-Identifier: Apache-2.0
"""Examples read from the features of a frozen backbone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch.utils.data import Dataset

from afformer_core.data.sample import Sample
from afformer_core.evaluation.protocols import points_by_action
from afformer_core.training.collation import AnnotatedPoints, FeatureExample
from afformer_core.training.feature_cache import FeatureCache
from afformer_core.training.order import Draw


class FeatureDataset(Dataset[FeatureExample]):
    """Examples by their `Draw`.

    Args:
        samples: that draws are of.
        cache: of their pictures.
    """

    def __init__(self, samples: Sequence[Sample], cache: FeatureCache) -> None:
        self._samples = samples
        self._cache = cache

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, draw: Draw) -> FeatureExample:
        cache = self._cache
        samples = [self._samples[index] for index in draw.indices]
        video = cache.video_rows[samples[0].demonstration]
        images = [cache.image_rows[str(sample.image_path)] for sample in samples]
        return FeatureExample(
            tuple(np.asarray(stage[video]) for stage in cache.videos),
            tuple(np.asarray(stage[images][:, 0]) for stage in cache.images),
            tuple(_annotated(sample, i) for sample, i in zip(samples, draw.indices, strict=True)),
        )


def _annotated(sample: Sample, index: int) -> AnnotatedPoints:
    points = points_by_action(sample)
    shares = tuple(each / sample.image_size for each in points.values())
    return AnnotatedPoints(shares, tuple(points), index)
