# SPDX-License-Identifier: Apache-2.0
"""Samplers of the batches of training and validation.

The batch of a step depends only on the seed and the step, for any number of processes and workers
and any interruption.
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

# Makes these draws independent of others with the seed of a demonstration.
_NEGATIVE_STREAM = 1


@dataclass(frozen=True)
class Draw:
    """One demonstration of a batch.

    Attributes:
        indices: indices of the samples whose target images are grounded; all have that
            demonstration.
        seed: seed of everything random about them.
        negative: indices of the samples of negative images.
    """

    indices: tuple[int, ...]
    seed: tuple[int, ...]
    negative: tuple[int, ...] = ()


class DemonstrationSampler:
    """A sampler of batches that draws all demonstrations repeatedly, each once per epoch.

    Args:
        count: number of demonstrations, at least 1.
        demonstrations: number of demonstrations in a batch, D, at least 1; reduced to `count` if
            larger.
        seed: seed of the order.

    Attributes:
        expected: requested demonstrations of a batch.
        demonstrations: actual demonstrations of a batch.
    """

    def __init__(self, count: int, demonstrations: int, seed: int) -> None:
        if count < 1 or demonstrations < 1:
            raise ValueError(
                f'the batch size is {demonstrations} and the number of demonstrations {count}; '
                'expected at least 1 of both'
            )
        self._count = count
        self._seed = seed
        self.expected = demonstrations
        self.demonstrations = min(demonstrations, count)

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which everything is drawn once, except for a remainder below a batch."""
        return self._count // self.demonstrations

    def batch(self, step: int) -> list[Draw]:
        """Draw the batch of a step, counted from 0 over all epochs."""
        epoch, position = divmod(step, self.steps_per_epoch)
        sampler = np.random.default_rng((self._seed, epoch)).permutation(self._count)
        first = position * self.demonstrations
        chosen = sorted(sampler[first : first + self.demonstrations].tolist())
        rng = np.random.default_rng((self._seed, epoch, position))
        return [
            self._draw(number, rng, (self._seed, epoch, position, index))
            for index, number in enumerate(chosen)
        ]

    def _draw(self, number: int, rng: np.random.Generator, seed: tuple[int, ...]) -> Draw:
        """Draw the samples of the demonstration `number`; a batch shares `picks`."""
        return Draw((number,), seed)


class BatchSampler(DemonstrationSampler):
    """A sampler of batches that draws the demonstrations of annotated samples repeatedly.

    Args:
        samples: samples, at least one.
        demonstrations: number of demonstrations in a batch, D; reduced if there are fewer.
        targets: number of targets of each demonstration, K; repeated if there are fewer. With 1,
            every sample is drawn once per epoch; otherwise, every demonstration is.
        seed: seed of the order.
        negative: number of negative images for each demonstration.

    Raises:
        DatasetError: there is no sample, or no negative although some are requested.
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
                'expected at least 1, 1 and 0'
            )
        if not samples:
            raise DatasetError(
                'the number of training samples is 0; expected at least 1. Check annotations and '
                'split'
            )
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
        sampler: sampler of all processes' batches.
        first: first step, above 0 after an interruption.
        last: step before which it ends.
        process: index of this process, from 0.
        processes: number of processes that share each batch.

    Raises:
        ValueError: the processes cannot share a batch evenly.
    """

    def __init__(
        self,
        sampler: DemonstrationSampler,
        first: int,
        last: int,
        process: int = 0,
        processes: int = 1,
    ) -> None:
        if sampler.demonstrations % processes:
            raise ValueError(
                f'the batch size is {sampler.demonstrations}; expected a multiple of the '
                f'{processes} processes'
            )
        self._sampler = sampler
        self._steps = range(first, last)
        self._last = last
        self._process = process
        self._processes = processes

    def __iter__(self) -> Iterator[list[Draw]]:
        for step in self._steps:
            yield self._sampler.batch(step)[self._process :: self._processes]

    def __len__(self) -> int:
        """Return the number of all steps, with those before `first`, as the trainer counts."""
        return self._last


class ValidationBatches(Sampler[list[Draw]]):
    """One process's part of all samples, each in a separate batch.

    Every process has the same number of batches, so that none waits for another in a collective
    operation; the last ones may be repeated in several processes and are counted once, by their
    indices.

    Args:
        samples: number of samples, at least 1.
        process: index of this process, from 0.
        processes: number of processes that share the samples.
    """

    def __init__(self, samples: int, process: int = 0, processes: int = 1) -> None:
        count = -(-samples // processes)
        self._indices = [min(i * processes + process, samples - 1) for i in range(count)]

    def __iter__(self) -> Iterator[list[Draw]]:
        for index in self._indices:
            yield [Draw((index,), (0, index))]

    def __len__(self) -> int:
        return len(self._indices)
