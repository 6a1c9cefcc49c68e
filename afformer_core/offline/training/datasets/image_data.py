# SPDX-License-Identifier: Apache-2.0
"""Training data as images, which may be augmented and train the whole model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from afformer_core.errors import AfformerError
from afformer_core.media.images import read_image, resize_to_input
from afformer_core.offline.data.augmentation.augmentation import (
    AugmentationSettings,
    Example,
    augmented,
)
from afformer_core.offline.data.augmentation.reversal import Reversal
from afformer_core.offline.data.clip_reader import ClipReader
from afformer_core.offline.data.frame_sampling import parse_frame_sampling
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.training.datasets.batch import (
    AnnotatedPoints,
    FailedExample,
    ImageExample,
    collate_images,
    shares_of,
)
from afformer_core.offline.training.datasets.batched_data import AnnotatedData
from afformer_core.offline.training.datasets.samplers import Draw


class ImageDataset(Dataset[ImageExample | FailedExample]):
    """A dataset of examples by their `Draw`; one that cannot be read is a `FailedExample`.

    Args:
        samples: samples that draws refer to.
        reader: reader of their clips.
        augmentation: augmentation in training, for which one of a clip's windows is drawn; None
            for all windows, unchanged.
        reversal: reversal in training; None to play every demonstration forwards.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        reader: ClipReader,
        augmentation: AugmentationSettings | None,
        reversal: Reversal | None = None,
    ) -> None:
        self._samples = samples
        self._reader = reader
        self._augmentation = augmentation
        self._reversal = reversal

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, draw: Draw) -> ImageExample | FailedExample:
        samples = [self._samples[index] for index in draw.indices]
        negative = [self._samples[index] for index in draw.negative]
        try:
            windows = self._reader.read(samples[0])
            examples = [self._example(windows[0], sample) for sample in (*samples, *negative)]
        except (AfformerError, OSError) as error:
            return FailedExample(f'{samples[0].sample_id}: {error}')
        if self._reversal is not None and self._reversal.happens(samples, draw.seed):
            windows = [window[::-1] for window in windows]
            examples = [replace(e, actions=self._reversal.of(e.actions)) for e in examples]
        if self._augmentation is not None:
            rng = np.random.default_rng(draw.seed)
            frames = windows[rng.integers(len(windows))]
            seed = int(rng.integers(1 << 32))
            # The same seed for each, so that the demonstration changes equally for all images.
            examples = [
                augmented(
                    replace(example, frames=frames),
                    self._augmentation,
                    np.random.default_rng(seed),
                )
                for example in examples
            ]
            windows = [examples[0].frames]
        return ImageExample(
            tuple(windows),
            np.stack([example.image for example in examples]),
            (
                *map(self._annotated, examples[: len(samples)], draw.indices),
                *(AnnotatedPoints.nowhere(examples[0].actions, index) for index in draw.negative),
            ),
        )

    def _example(self, frames: NDArray[np.uint8], sample: Sample) -> Example:
        image = resize_to_input(read_image(sample.image_path), self._reader.size)
        points = sample.points_by_action
        shares = [shares_of(of_action, sample.image_size) for of_action in points.values()]
        size = self._reader.size[::-1]
        return Example(frames, image, tuple(points), tuple(share * size - 0.5 for share in shares))

    def _annotated(self, example: Example, index: int) -> AnnotatedPoints:
        height, width = self._reader.size
        shares = tuple(shares_of(points, (width, height)) for points in example.points)
        return AnnotatedPoints(shares, example.actions, index)


_NO_AUGMENTATION = AugmentationSettings()


class ImageData(AnnotatedData):
    """Clips and images read from disk in every step.

    Args:
        frames: sampling of the frames of a clip: `uniform 64`, or `2 fps x 32 every 16`, of which
            training draws one window and validation averages all.
        folder_rate: frame rate of clips that are folders of numbered images.
        cache_folder: folder for decoded and resized clips; null: none.
        augmentation: random changes in training.
        further: see `AnnotatedData`.
    """

    _collate = staticmethod(collate_images)

    def __init__(
        self,
        frames: str = 'uniform 32',
        folder_rate: float | None = None,
        cache_folder: Path | None = None,
        augmentation: AugmentationSettings = _NO_AUGMENTATION,
        **further: Any,
    ) -> None:
        super().__init__(**further)
        sampling = parse_frame_sampling(frames)
        self._reader = ClipReader(sampling, self.input_size, cache_folder, folder_rate)
        self._augmentation = augmentation
        self.longest = sampling.longest

    def _dataset(self, samples: Sequence[Sample], *, training: bool) -> Dataset[Any]:
        if not training:
            return ImageDataset(samples, self._reader, None)
        return ImageDataset(samples, self._reader, self._augmentation, self._reversal)
