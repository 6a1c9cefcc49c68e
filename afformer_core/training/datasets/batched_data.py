# SPDX-License-Identifier: Apache-2.0
"""Base classes of training data: batches to train on, and samples to validate on."""

from __future__ import annotations

import hashlib
import json
import signal
import sys
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import cv2
import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader, Dataset, Sampler

from afformer_core.data.sample import Sample
from afformer_core.errors import DatasetError
from afformer_core.training.datasets.batch import FailedBatch
from afformer_core.training.datasets.samplers import (
    DemonstrationOrder,
    Draw,
    TrainingBatches,
    ValidationBatches,
)

# Examples by their draws, and how they become a batch.
Examples = tuple[Dataset[Any], Callable[[Any], Any]]
# How many samples there are, and a digest of what is known of them, both by their names.
SamplesNote = dict[str, int | str]


class BatchedData(LightningDataModule):
    """Batches of what is trained and validated on.

    Args:
        workers: processes that read.

    Attributes:
        validation_samples: measured now and then; empty: none.
    """

    validation_samples: Sequence[Any]

    def __init__(self, workers: int) -> None:
        super().__init__()
        self._workers = workers

    @property
    @abstractmethod
    def _order(self) -> DemonstrationOrder:
        """What is drawn in each step of training."""

    @property
    @abstractmethod
    def _advice(self) -> str:
        """What to do where something cannot be read."""

    @abstractmethod
    def _training_facts(self) -> Iterable[Any]:
        """What is known of each training sample without its media, in terms of JSON or paths."""

    @abstractmethod
    def _training(self) -> Examples:
        """What is trained on."""

    @abstractmethod
    def _validation(self) -> Examples:
        """The validation samples as they are; called only where there are some."""

    def prepare_data(self) -> None:
        """Tell, once on each machine, where batches are smaller than they were asked to be."""
        has, expected = self._order.demonstrations, self._order.expected
        if has < expected:
            print(
                f'afformer: a batch has {has} examples in place of {expected} (data.batch_size): '
                'there are no more to train on',
                file=sys.stderr,
            )

    def training_note(self) -> SamplesNote:
        """`count` and `sha256` of the training samples as they are drawn; media are not read."""
        lines = [json.dumps(facts, default=str) for facts in self._training_facts()]
        return {
            'count': len(lines),
            'sha256': hashlib.sha256('\n'.join(lines).encode()).hexdigest(),
        }

    def train_dataloader(self) -> DataLoader[Any]:
        """Batches from the step on that was reached."""
        trainer = self.trainer
        assert trainer is not None
        accumulated = trainer.accumulate_grad_batches
        batches = TrainingBatches(
            self._order,
            trainer.global_step * accumulated,
            trainer.max_steps * accumulated,
            trainer.global_rank,
            trainer.world_size,
        )
        return self._loader(*self._training(), batches, stays=False)

    def val_dataloader(self) -> DataLoader[Any] | list[Any]:
        """Every validation sample once, over all processes; nothing without any."""
        if not self.validation_samples:
            return []
        trainer = self.trainer
        assert trainer is not None
        batches = ValidationBatches(
            len(self.validation_samples), trainer.global_rank, trainer.world_size
        )
        return self._loader(*self._validation(), batches, stays=True)

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Raise what a worker could not."""
        if isinstance(batch, FailedBatch):
            raise DatasetError(f'{batch.reason}; {self._advice}')
        return batch

    def _loader(
        self,
        dataset: Dataset[Any],
        collate: Callable[[Any], Any],
        batches: Sampler[list[Draw]],
        stays: bool,
    ) -> DataLoader[Any]:
        """Batches; where they are asked for again and again, the workers stay."""
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
    # What asks to stop reaches workers too; the step that is to be ended needs them.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


class GroundingData(BatchedData):
    """Batches of demonstrations with their target images, wherever these come from.

    Args:
        input_size: (height, width) of images.
        workers: processes that read.

    Attributes:
        input_size: as above.
        action_names: of what is trained on; none where no actions are known.
        validation_samples: measured by the evaluator now and then; empty: none.
    """

    validation_samples: list[Sample]

    def __init__(self, input_size: tuple[int, int], workers: int) -> None:
        super().__init__(workers)
        self.input_size = (int(input_size[0]), int(input_size[1]))
        self.action_names: tuple[str, ...] = ()
        self.validation_samples = []

    @property
    @abstractmethod
    def longest(self) -> int:
        """The most frames of a demonstration that a batch may have."""
