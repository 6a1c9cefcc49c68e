# SPDX-License-Identifier: Apache-2.0
"""Base classes of training data: training batches and validation samples."""

from __future__ import annotations

import signal
import sys
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader, Dataset, Sampler

from afformer_core.errors import DatasetError
from afformer_core.licences import Ingredient, ingredients_of
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.training.datasets.batch import FailedBatch
from afformer_core.offline.training.datasets.samplers import (
    DemonstrationSampler,
    Draw,
    TrainingBatches,
    ValidationBatches,
)

# Dataset of examples by their draws, and the function from examples to a batch.
Examples = tuple[Dataset[Any], Callable[[Any], Any]]


class BatchedData(LightningDataModule):
    """Training batches and validation samples.

    Args:
        workers: number of reading processes.

    Attributes:
        validation_samples: samples to validate on; empty for none.
    """

    validation_samples: Sequence[Any]

    def __init__(self, workers: int) -> None:
        super().__init__()
        self._workers = workers

    @property
    @abstractmethod
    def _sampler(self) -> DemonstrationSampler:
        """The order of the demonstrations in training."""

    @property
    @abstractmethod
    def _advice(self) -> str:
        """Advice for media that cannot be read, as sentences."""

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
            persistent_workers=stays and self._workers > 0,
            collate_fn=collate,
            worker_init_fn=_prepare_worker,
            pin_memory=torch.cuda.is_available(),
        )


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
    """

    validation_samples: list[Sample]

    def __init__(self, input_size: tuple[int, int], workers: int) -> None:
        super().__init__(workers)
        self.input_size = (int(input_size[0]), int(input_size[1]))
        self.action_names: tuple[str, ...] = ()
        self.validation_samples = []

    def ingredients(self) -> tuple[Ingredient, ...]:
        """Return the origins of the validation samples (see `BatchedData.ingredients`)."""
        return ingredients_of(
            'validation data', (sample.origin for sample in self.validation_samples)
        )

    @property
    @abstractmethod
    def longest(self) -> int:
        """Largest number of frames of a demonstration in a batch."""

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
