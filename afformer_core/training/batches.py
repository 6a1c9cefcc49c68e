# SPDX-License-Identifier: Apache-2.0
"""Batches of demonstrations, each with several of its target images, from cached features."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from afformer_core.data.heatmaps import ground_truth_heatmaps, pad_points
from afformer_core.data.sample import Sample
from afformer_core.training.feature_cache import FeatureCache


@dataclass(frozen=True)
class Batch:
    """D demonstrations with K targets each.

    Attributes:
        videos: backbone stages, each float16 [D, T, C, h, w].
        images: backbone stages, each float16 [D * K, C, h, w]; those of one demonstration
            stand together.
        heatmaps: [D * K, H, W] probabilities.
        actions: [D * K] indices.
    """

    videos: tuple[Tensor, ...]
    images: tuple[Tensor, ...]
    heatmaps: Tensor
    actions: Tensor


class BatchSource:
    """Draws batches; the batch of a step depends on the seed and the step alone.

    Args:
        samples: each with one action.
        cache: of their pictures.
        size: (height, width) of the heatmaps.
        demonstrations: D.
        targets: K; a demonstration with fewer targets gives some of them twice.
        seed: of the order.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        cache: FeatureCache,
        size: tuple[int, int],
        demonstrations: int,
        targets: int,
        seed: int,
    ) -> None:
        self._samples = samples
        self._cache = cache
        self._size = size
        self._targets = targets
        self._seed = seed
        by_video: dict[str, list[int]] = defaultdict(list)
        for index, sample in enumerate(samples):
            by_video[sample.demonstration].append(index)
        self._groups = list(by_video.values())
        self._demonstrations = min(demonstrations, len(self._groups))

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which every demonstration is seen once."""
        return len(self._groups) // self._demonstrations

    def batch(self, step: int) -> Batch:
        """The batch of a step, counted from 0 over all epochs."""
        epoch, place = divmod(step, self.steps_per_epoch)
        random = np.random.default_rng((self._seed, epoch))
        order = random.permutation(len(self._groups))
        chosen = order[place * self._demonstrations : (place + 1) * self._demonstrations]
        groups = [self._groups[number] for number in sorted(chosen)]
        picks = np.random.default_rng((self._seed, epoch, place))
        indices = [index for group in groups for index in self._pick(group, picks)]
        return self._collate([group[0] for group in groups], indices)

    def _pick(self, group: list[int], random: np.random.Generator) -> list[int]:
        shuffled = random.permutation(group).tolist()
        repeats = -(-self._targets // len(shuffled))
        return (shuffled * repeats)[: self._targets]

    def _collate(self, leaders: list[int], indices: list[int]) -> Batch:
        cache = self._cache
        videos = [cache.video_rows[self._samples[index].demonstration] for index in leaders]
        images = [cache.image_rows[str(self._samples[index].image_path)] for index in indices]
        samples = [self._samples[index] for index in indices]
        points = pad_points([_scaled(sample, self._size) for sample in samples])
        return Batch(
            tuple(torch.from_numpy(stage[videos]) for stage in cache.videos),
            tuple(torch.from_numpy(stage[images][:, 0]) for stage in cache.images),
            ground_truth_heatmaps(points, self._size),
            torch.tensor([sample.actions[0] for sample in samples]),
        )


def _scaled(sample: Sample, size: tuple[int, int]) -> np.ndarray:
    """The points of a sample's first action in pixels of the heatmap."""
    width, height = sample.image_size
    return sample.points[0] * np.array([size[1] / width, size[0] / height])
