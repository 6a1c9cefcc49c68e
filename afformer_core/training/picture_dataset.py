# SPDX-License-Identifier: Apache-2.0
"""Examples read from clips and images as they lie on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from afformer_core.data.augmentation import Augmentation, Example
from afformer_core.data.clip_reader import ClipReader
from afformer_core.data.sample import Sample
from afformer_core.demonstrations.media import read_image
from afformer_core.errors import AfformerError
from afformer_core.evaluation.protocols import points_by_action
from afformer_core.runtime.preprocessing import resize_to_input
from afformer_core.training.collation import (
    AnnotatedPoints,
    FailedExample,
    PictureExample,
    shares_of,
)
from afformer_core.training.order import Draw
from afformer_core.training.reversal import Reversal


class PictureDataset(Dataset[PictureExample | FailedExample]):
    """Examples by their `Draw`; one that cannot be read is a `FailedExample`.

    Args:
        samples: that draws are of.
        reader: of their clips.
        augmentation: applied in training, when one of a clip's windows is drawn as well; None
            gives all windows, as they are.
        reversal: done in training; None plays every demonstration forwards.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        reader: ClipReader,
        augmentation: Augmentation | None,
        reversal: Reversal | None = None,
    ) -> None:
        self._samples = samples
        self._reader = reader
        self._augmentation = augmentation
        self._reversal = reversal

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, draw: Draw) -> PictureExample | FailedExample:
        samples = [self._samples[index] for index in draw.indices]
        foreign = [self._samples[index] for index in draw.foreign]
        try:
            windows = self._reader.read(samples[0])
            examples = [self._example(windows[0], sample) for sample in (*samples, *foreign)]
        except (AfformerError, OSError) as error:
            return FailedExample(f'{samples[0].sample_id}: {error}')
        if self._reversal is not None and self._reversal.happens(samples, draw.seed):
            windows = [window[::-1] for window in windows]
            examples = [replace(e, actions=self._reversal.of(e.actions)) for e in examples]
        if self._augmentation is not None:
            generator = np.random.default_rng(draw.seed)
            frames = windows[generator.integers(len(windows))]
            seed = int(generator.integers(1 << 32))
            # The same generator for each, so that all see the demonstration changed alike.
            examples = [
                self._augmentation(
                    Example(frames, example.image, example.actions, example.points),
                    np.random.default_rng(seed),
                )
                for example in examples
            ]
            windows = [examples[0].frames]
        return PictureExample(
            tuple(windows),
            np.stack([example.image for example in examples]),
            (
                *map(self._annotated, examples[: len(samples)], draw.indices),
                *(AnnotatedPoints.nowhere(examples[0].actions, index) for index in draw.foreign),
            ),
        )

    def _example(self, frames: NDArray[np.uint8], sample: Sample) -> Example:
        image = resize_to_input(read_image(sample.image_path), self._reader.size)
        points = points_by_action(sample)
        shares = [shares_of(each, sample.image_size) for each in points.values()]
        size = self._reader.size[::-1]
        return Example(frames, image, tuple(points), tuple(each * size - 0.5 for each in shares))

    def _annotated(self, example: Example, index: int) -> AnnotatedPoints:
        height, width = self._reader.size
        shares = tuple(shares_of(points, (width, height)) for points in example.points)
        return AnnotatedPoints(shares, example.actions, index)
