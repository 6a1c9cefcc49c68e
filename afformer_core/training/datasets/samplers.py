# SPDX-License-Identifier: Apache-2.0
"""Samplers of the batches of training and validation.

The batch of a step depends on the seed and the step alone, whatever the number of processes and
of workers and wherever training was interrupted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch.utils.data import Sampler

from afformer_core.data.sample import Sample
from afformer_core.errors import DatasetError
from afformer_core.training.datasets.negative_sampler import NegativeSampler

# Apart from whatever else is drawn with the seed of a demonstration.
_NEGATIVE_STREAM = 1


@dataclass(frozen=True)
class Draw:
    """One demonstration of a batch.

    Attributes:
        indices: of the samples whose target images are grounded; all have that demonstration.
        seed: of everything random about them.
        negative: of samples whose images show another object.
    """

    indices: tuple[int, ...]
    seed: tuple[int, ...]
    negative: tuple[int, ...] = ()


class DemonstrationOrder:
    """Draws batches over and over from all demonstrations, each once an epoch.

    Args:
        count: of all demonstrations, at least 1.
        demonstrations: D of a batch, at least 1; all there are where there are fewer.
        seed: of the order.

    Attributes:
        expected: demonstrations of a batch that were asked for.
        demonstrations: that a batch has.
    """

    def __init__(self, count: int, demonstrations: int, seed: int) -> None:
        if count < 1 or demonstrations < 1:
            raise ValueError(
                f'batches of {demonstrations} cannot be drawn of {count} demonstrations; both '
                'must be at least 1'
            )
        self._count = count
        self._seed = seed
        self.expected = demonstrations
        self.demonstrations = min(demonstrations, count)

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which everything is drawn once; what fills no batch waits for another epoch."""
        return self._count // self.demonstrations

    def batch(self, step: int) -> list[Draw]:
        """The batch of a step, counted from 0 over all epochs."""
        epoch, place = divmod(step, self.steps_per_epoch)
        order = np.random.default_rng((self._seed, epoch)).permutation(self._count)
        first = place * self.demonstrations
        chosen = sorted(order[first : first + self.demonstrations].tolist())
        rng = np.random.default_rng((self._seed, epoch, place))
        return [
            self._draw(number, rng, (self._seed, epoch, place, index))
            for index, number in enumerate(chosen)
        ]

    def _draw(self, number: int, rng: np.random.Generator, seed: tuple[int, ...]) -> Draw:
        """Of the demonstration `number`; `picks` is shared by all of a batch."""
        return Draw((number,), seed)


class BatchOrder(DemonstrationOrder):
    """Draws batches over and over from all demonstrations of annotated samples.

    Args:
        samples: at least one.
        demonstrations: D of a batch; all there are where there are fewer.
        targets: K of each demonstration; one with fewer gives some of them twice. With 1 every
            sample is drawn once an epoch, else every demonstration is.
        seed: of the order.
        negative: images besides, for each demonstration, that show another object.

    Raises:
        DatasetError: there is no sample, or none of another object where such are wanted.
        ValueError: a number is below 1, or `negative` below 0.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        demonstrations: int,
        targets: int,
        seed: int,
        negative: int = 0,
    ) -> None:
        if demonstrations < 1 or targets < 1 or negative < 0:
            raise ValueError(
                f'demonstrations is {demonstrations}, targets {targets} and negative {negative}; '
                'the first two must be at least 1, the last at least 0'
            )
        if not samples:
            raise DatasetError('there is no sample to train on; check annotations and split')
        self._groups = _groups(samples, targets)
        super().__init__(len(self._groups), demonstrations, seed)
        self._targets = targets
        self._negative = negative
        self._negative_sampler = NegativeSampler(samples) if negative else None

    def _draw(self, number: int, rng: np.random.Generator, seed: tuple[int, ...]) -> Draw:
        indices = self._pick(self._groups[number], rng)
        if self._negative_sampler is None:
            return Draw(indices, seed)
        negative_rng = np.random.default_rng((*seed, _NEGATIVE_STREAM))
        negative = self._negative_sampler.draw(indices[0], self._negative, negative_rng)
        return Draw(indices, seed, negative)

    def _pick(self, group: list[int], rng: np.random.Generator) -> tuple[int, ...]:
        shuffled = rng.permutation(group).tolist()
        repeats = -(-self._targets // len(shuffled))
        return tuple((shuffled * repeats)[: self._targets])


def _groups(samples: Sequence[Sample], targets: int) -> list[list[int]]:
    if targets == 1:
        return [[index] for index in range(len(samples))]
    by_demonstration: dict[str, list[int]] = defaultdict(list)
    for index, sample in enumerate(samples):
        by_demonstration[sample.demonstration].append(index)
    return list(by_demonstration.values())


class TrainingBatches(Sampler[list[Draw]]):
    """One process's part of the batches from a step on.

    Args:
        order: of all processes.
        first: step to begin with, after an interruption.
        last: step to end before.
        process: of this process, from 0.
        processes: that share each batch.

    Raises:
        ValueError: the processes cannot share a batch evenly.
    """

    def __init__(
        self,
        order: DemonstrationOrder,
        first: int,
        last: int,
        process: int = 0,
        processes: int = 1,
    ) -> None:
        if order.demonstrations % processes:
            raise ValueError(
                f'{processes} processes cannot share {order.demonstrations} demonstrations a '
                'step evenly; choose a multiple'
            )
        self._order = order
        self._steps = range(first, last)
        self._last = last
        self._process = process
        self._processes = processes

    def __iter__(self) -> Iterator[list[Draw]]:
        for step in self._steps:
            yield self._order.batch(step)[self._process :: self._processes]

    def __len__(self) -> int:
        """All steps, those before `first` too, since the trainer counts from the beginning."""
        return self._last


class ValidationBatches(Sampler[list[Draw]]):
    """One process's part of all samples, each in a batch of its own.

    Every process has as many batches, so that none waits for another in a collective operation;
    the last ones may stand in several processes and are counted once by their indices.

    Args:
        samples: how many there are, at least 1.
        process: of this process, from 0.
        processes: that share the samples.
    """

    def __init__(self, samples: int, process: int = 0, processes: int = 1) -> None:
        count = -(-samples // processes)
        self._indices = [min(i * processes + process, samples - 1) for i in range(count)]

    def __iter__(self) -> Iterator[list[Draw]]:
        for index in self._indices:
            yield [Draw((index,), (0, index))]

    def __len__(self) -> int:
        return len(self._indices)
