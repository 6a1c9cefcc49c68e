# SPDX-License-Identifier: Apache-2.0
"""Base classes of training data: training batches and validation samples."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader, Dataset, Sampler

from afformer_core.errors import DatasetError
from afformer_core.files.annotation_files import HOW_TO_NAME
from afformer_core.licences import UNKNOWN, Ingredient, Origin, ingredients_of
from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.data.augmentation.reversal import Reversal
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.data.verification import usable_samples
from afformer_core.offline.training.datasets.batch import FailedBatch, FailedExample
from afformer_core.offline.training.datasets.samplers import (
    BatchSampler,
    DemonstrationSampler,
    Draw,
    TrainingBatches,
    ValidationBatches,
)

# Attributes with the samples of each annotated part of the data.
_SAMPLES = {'train': 'training_samples', 'validation': 'validation_samples'}
# Dataset of examples by their draws, and the function from examples to a batch.
Examples = tuple[Dataset[Any], Callable[[Any], Any]]
_Entry = TypeVar('_Entry')
# A worker that is forked from this process may wait for a lock that another of its threads held.
_WORKERS = multiprocessing.get_context('forkserver')
_WORKERS.set_forkserver_preload(['__main__', __name__])


class BatchedData(LightningDataModule):
    """Training batches and validation samples.

    Args:
        workers: number of reading processes.

    Attributes:
        validation_samples: samples to validate on; empty for none.
    """

    validation_samples: Sequence[Any]
    # Order of the demonstrations in training.
    _sampler: DemonstrationSampler
    # Advice for media that cannot be read, as sentences.
    _advice: str

    def __init__(self, workers: int) -> None:
        super().__init__()
        self._workers = workers

    @abstractmethod
    def ingredients(self) -> tuple[Ingredient, ...]:
        """Return the origins of the samples to train and to validate on, with their numbers."""

    @abstractmethod
    def _training(self) -> Examples:
        """Return the training examples."""

    @abstractmethod
    def _validation(self) -> Examples:
        """Return the validation samples, without augmentation; called only if there are some."""

    def prepare_data(self) -> None:
        """Report, once on each machine, that batches are smaller than requested."""
        has, expected = self._sampler.demonstrations, self._sampler.expected
        if has < expected:
            print(
                f'afformer: a batch has {has} examples instead of {expected} (data.batch_size), '
                f'because no more are left for training',
                file=sys.stderr,
            )

    def train_dataloader(self) -> DataLoader[Any]:
        """Return the batches from the current step on."""
        trainer = self.trainer
        assert trainer is not None
        accumulated = trainer.accumulate_grad_batches
        batches = TrainingBatches(
            self._sampler,
            trainer.global_step * accumulated,
            trainer.max_steps * accumulated,
            trainer.global_rank,
            trainer.world_size,
        )
        return self._loader(*self._training(), batches, stays=False)

    def val_dataloader(self) -> DataLoader[Any] | list[Any]:
        """Return every validation sample once, over all processes; empty without samples."""
        if not self.validation_samples:
            return []
        trainer = self.trainer
        assert trainer is not None
        batches = ValidationBatches(
            len(self.validation_samples), trainer.global_rank, trainer.world_size
        )
        return self._loader(*self._validation(), batches, stays=True)

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Raise the error of a batch that a worker could not read."""
        if isinstance(batch, FailedBatch):
            raise DatasetError(f'{batch.reason}. {self._advice}')
        return batch

    def _loader(
        self,
        dataset: Dataset[Any],
        collate: Callable[[Any], Any],
        batches: Sampler[list[Draw]],
        *,
        stays: bool,
    ) -> DataLoader[Any]:
        """Build a loader of batches; its workers persist if it is iterated over repeatedly."""
        return DataLoader(
            dataset,
            batch_sampler=batches,
            num_workers=self._workers,
            multiprocessing_context=_WORKERS if self._workers else None,
            persistent_workers=stays and self._workers > 0,
            collate_fn=partial(collated, collate),
            worker_init_fn=_prepare_worker,
            pin_memory=torch.cuda.is_available(),
        )


def collated(collate: Callable[[Any], Any], examples: Sequence[Any]) -> Any:
    """Collate examples to a batch; if some failed, to a `FailedBatch` with the first reason."""
    reasons = [example.reason for example in examples if isinstance(example, FailedExample)]
    return FailedBatch(reasons[0]) if reasons else collate(examples)


def _prepare_worker(worker: int) -> None:
    # OpenCV's own threads do not survive a fork.
    cv2.setNumThreads(0)
    # Workers also receive signals, but the current step still needs them.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


class GroundingData(BatchedData):
    """Batches of demonstrations with their target images, from any source.

    Args:
        input_size: (height, width) of images and frames.
        workers: number of reading processes.

    Attributes:
        input_size: see the arguments.
        action_names: names of the actions; empty if none are known.
        validation_samples: samples that the evaluator measures; empty for none.
        longest: largest number of frames of a demonstration in a batch.
    """

    validation_samples: list[Sample]
    longest: int

    def __init__(self, input_size: tuple[int, int], workers: int) -> None:
        super().__init__(workers)
        self.input_size = (int(input_size[0]), int(input_size[1]))
        self.action_names: tuple[str, ...] = ()
        self.validation_samples = []
        self._sources: dict[str, AnnotationSource] = {}
        self._inspected = False

    def prepare_data(self) -> None:
        """Check for missing and broken media, once on each machine."""
        if not self._inspected:
            self._keep_usable()
        super().prepare_data()

    def setup(self, stage: str) -> None:
        """Exclude unusable samples, in processes that have not yet checked media."""
        if not self._inspected and any(source.skip_broken for source in self._sources.values()):
            self._keep_usable()

    def _keep_usable(self) -> None:
        self._inspected = True
        for name, source in self._sources.items():
            option = f'data.{name}.skip_broken'
            samples = usable_samples(getattr(self, _SAMPLES[name]), source.skip_broken, option)
            setattr(self, _SAMPLES[name], samples)

    def ingredients(self) -> tuple[Ingredient, ...]:
        """Return the origins of the validation samples (see `BatchedData.ingredients`)."""
        return ingredients_of(
            'validation data', (sample.origin for sample in self.validation_samples)
        )

    def require_frames_within(self, maximum: int) -> None:
        """Check that no demonstration has more frames than a model supports.

        Args:
            maximum: maximum number of frames of the model.

        Raises:
            ValueError: one has more.
        """
        if self.longest > maximum:
            raise ValueError(
                f'data.frames gives {self.longest} frames of a demonstration; expected at most '
                f'{maximum}. Raise model.architecture.maximum_frames'
            )


def licensed(origin: Origin, licence: str) -> Origin:
    """Set the licence of an origin if it is unknown."""
    return replace(origin, licence=licence) if origin.licence == UNKNOWN else origin


def drawn_share(entries: Sequence[_Entry], share: float) -> list[_Entry]:
    """Draw a share of entries, above 0 and at most 1, but at least one; keep their order."""
    count = max(1, round(share * len(entries)))
    chosen = np.random.default_rng(0).permutation(len(entries))[:count]
    return [entries[index] for index in sorted(chosen.tolist())]


@dataclass(frozen=True)
class AnnotationSource:
    """The samples of an annotation file.

    Attributes:
        annotations: the annotation file, or the folder of your own pairs.
        root: folder of the media; null: determined by the dataset's layout.
        split: `train` or `test`, for EPIC-Hotspot, which has both in one file.
        images: (from, to) within 0 to 1, to use only the samples of this part of the images, in a
            fixed random order; null: all. [0, 0.9] for training and [0.9, 1] for validation share
            no image.
        share: share of the samples, drawn at random; above 0, at most 1.
        skip_broken: whether to exclude samples whose clip or image is missing or broken.
        licence: licence of samples whose annotations do not name one, such as CC-BY-4.0, or `own`
            for your own recordings.

    Raises:
        ValueError: a value is out of its range.
    """

    annotations: Path
    root: Path | None = None
    split: str = 'train'
    images: tuple[float, float] | None = None
    share: float = 1.0
    skip_broken: bool = False
    licence: str = UNKNOWN

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f'share is {self.share}; expected above 0 and at most 1')
        if self.images is not None and not 0 <= self.images[0] < self.images[1] <= 1:
            raise ValueError(
                f'images is {list(self.images)}; expected a part of 0 to 1, such as [0, 0.9]'
            )

    def read(self) -> tuple[list[Sample], tuple[str, ...]]:
        """Read the samples and the names of actions, without opening media.

        Raises:
            DatasetError: the file is missing, malformed or empty, or no image is in the requested
                part.
        """
        dataset = open_annotations(Path(self.annotations), self.root, self.split)
        names = dataset.action_names
        samples = [
            replace(sample, origin=licensed(sample.origin, self.licence)) for sample in dataset
        ]
        if self.images is not None:
            samples = self._of_images(samples, *self.images)
        return drawn_share(samples, self.share), names

    def _of_images(self, samples: list[Sample], begin: float, end: float) -> list[Sample]:
        images = sorted({sample.image_path for sample in samples})
        order = np.random.default_rng(0).permutation(len(images))
        part = order[int(begin * len(images)) : int(end * len(images))]
        if not len(part):
            raise DatasetError(
                f'{self.annotations} has {len(images)} images, of which 0 are in the part from '
                f'{begin:g} to {end:g}. Give a larger part as images'
            )
        chosen = {images[index] for index in part.tolist()}
        return [sample for sample in samples if sample.image_path in chosen]


class AnnotatedData(GroundingData):
    """The common part of `ImageData` and `FeatureData`, which collate examples to batches.

    Args:
        train: training samples.
        validation: validation samples; null: none.
        input_size: (height, width) of images and frames, which comes from the model and is not
            set.
        batch_size: number of demonstrations in a step, over all processes.
        targets: number of target images of each demonstration in a step; 1: pairs are drawn.
        workers: number of reading processes.
        seed: seed of the order and of augmentation.
        negative_targets: number of negative images for each demonstration in a step, which show
            another object and whose heatmap should be uniform, so that confidence is low if the
            demonstrated element is not in view.
        reverse_probability: probability of reversing a demonstration in training.
        reversed_actions: name of the action after the reversal, by the name of the original
            action; demonstrations of other actions are never reversed.
    """

    _collate: Callable[[Any], Any]
    _advice = 'Repair or remove it; skip_broken leaves out those that cannot be opened'

    def __init__(
        self,
        train: AnnotationSource,
        validation: AnnotationSource | None = None,
        input_size: tuple[int, int] = (256, 256),
        batch_size: int = 8,
        targets: int = 1,
        workers: int = 2,
        seed: int = 0,
        negative_targets: int = 0,
        reverse_probability: float = 0.0,
        reversed_actions: dict[str, str] | None = None,
    ) -> None:
        super().__init__(input_size, workers)
        self._sources = {'train': train}
        self.training_samples, self.action_names = train.read()
        if validation is not None:
            self._sources['validation'] = validation
            self.validation_samples, names = validation.read()
            if names != self.action_names:
                raise DatasetError(
                    f'{train.annotations} names the actions {list(self.action_names)}, the '
                    f'validation {list(names)}; expected the same ({HOW_TO_NAME})'
                )
        self._reversal = Reversal.of_names(
            reverse_probability, reversed_actions or {}, self.action_names
        )
        self._batch = batch_size, targets, seed, negative_targets
        self._sampler = BatchSampler(self.training_samples, *self._batch)

    def _keep_usable(self) -> None:
        super()._keep_usable()
        self._sampler = BatchSampler(self.training_samples, *self._batch)

    def ingredients(self) -> tuple[Ingredient, ...]:
        """Return the origins of all samples (see `BatchedData.ingredients`)."""
        origins = (sample.origin for sample in self.training_samples)
        return (*ingredients_of('training data', origins), *super().ingredients())

    def _training(self) -> Examples:
        return self._dataset(self.training_samples, training=True), self._collate

    def _validation(self) -> Examples:
        return self._dataset(self.validation_samples, training=False), self._collate

    @abstractmethod
    def _dataset(self, samples: Sequence[Sample], *, training: bool) -> Dataset[Any]:
        """Build the dataset of examples by their draws."""
