# SPDX-License-Identifier: Apache-2.0
"""Samplers of the batches of training and validation.

The batch of a step depends only on the seed and the step, for any number of processes and workers
and any interruption.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from afformer_core.errors import DatasetError
from afformer_core.offline.data.sample import Sample

# Makes these draws independent of others with the seed of a demonstration.
_NEGATIVE_STREAM = 1
# Neighbouring demonstrations that are drawn together, and runs of them that are mixed.
_RUN, _MIXED_RUNS = 256, 64
_WINDOW = _RUN * _MIXED_RUNS


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
        first = position * self.demonstrations
        chosen = sorted(self._ordered(epoch, first, first + self.demonstrations))
        rng = np.random.default_rng((self._seed, epoch, position))
        return [
            self._draw(number, rng, (self._seed, epoch, position, index))
            for index, number in enumerate(chosen)
        ]

    def _ordered(self, epoch: int, first: int, stop: int) -> list[int]:
        """Return the demonstrations from one place to another in the order of an epoch."""
        return list(map(int, _permuted(self._count, (self._seed, epoch))[first:stop]))

    def _draw(self, number: int, rng: np.random.Generator, seed: tuple[int, ...]) -> Draw:
        """Draw the samples of the demonstration `number`; a batch shares `picks`."""
        return Draw((number,), seed)


class StreamedSampler(DemonstrationSampler):
    """A `DemonstrationSampler` for any number of demonstrations, in an order that suits a disk.

    A permutation of all demonstrations would take time and memory in proportion to their number,
    and would read each from another place. Instead, runs of neighbours are permuted, and
    demonstrations are drawn at random from a window of several runs, window after window. Where
    the runs begin depends on the epoch. If all demonstrations fit into one window, their order is
    that of a `DemonstrationSampler`.
    """

    def _ordered(self, epoch: int, first: int, stop: int) -> list[int]:
        """Return a part of the order of an epoch (see `DemonstrationSampler`)."""
        if self._count <= _WINDOW:
            return super()._ordered(epoch, first, stop)
        ordered: list[int] = []
        for window in range(first // _WINDOW, (stop - 1) // _WINDOW + 1):
            start = window * _WINDOW
            found = _window_order(self._count, (self._seed, epoch), window)
            ordered += found[max(0, first - start) : stop - start].tolist()
        return ordered


@lru_cache(maxsize=2)
def _permuted(count: int, seed: tuple[int, ...]) -> NDArray[np.int64]:
    return np.random.default_rng(seed).permutation(count)


@lru_cache(maxsize=4)
def _window_order(count: int, seed: tuple[int, ...], window: int) -> NDArray[np.int64]:
    """Return the demonstrations of a window in the order in which they are drawn."""
    runs, rest = divmod(count, _RUN)
    chosen = _permuted(runs, seed)[window * _MIXED_RUNS : (window + 1) * _MIXED_RUNS]
    members = (chosen[:, None] * _RUN + np.arange(_RUN)).ravel()
    if len(members) < _WINDOW:
        # The last window has the run that is not full.
        members = np.append(members, np.arange(count - rest, count))
    rng = np.random.default_rng((*seed, window))
    begin = np.random.default_rng(seed).integers(count)
    return (rng.permutation(members) + begin) % count


class NegativeSampler:
    """A sampler of negatives.

    As in an evaluation (`negative_groups`), the samples' `object_id` identifies objects if all
    have one. Otherwise demonstrations in different folders show different objects, as in OPRA,
    AssistQ and the simulator, which have a folder for each object. Images or scenes that share a
    folder count as one object; if that leaves a single object, images or scenes that share a
    demonstration count as one instead.

    Args:
        samples: samples of a dataset.

    Raises:
        DatasetError: all samples show, or may show, one object.
    """

    def __init__(self, samples: Sequence[Sample]) -> None:
        groups = [sample.group for sample in samples]
        known = [sample.object_id for sample in samples if sample.object_id is not None]
        if len(known) == len(samples):
            objects = _parts(groups, known)
        else:
            objects = _parts(groups, [str(sample.video_path.parent) for sample in samples])
            if len(set(objects)) < 2:
                objects = _parts(groups, [sample.demonstration for sample in samples])
        if len(set(objects)) < 2:
            raise DatasetError(
                'all samples may show one object, so no image is known to be a negative. Set '
                'data.negative_targets to 0'
            )
        self._objects = np.array(objects)

    def draw(self, index: int, count: int, rng: np.random.Generator) -> tuple[int, ...]:
        """Draw indices of samples of other objects, with repetition if there are too few."""
        others = np.flatnonzero(self._objects != self._objects[index])
        return tuple(rng.choice(others, count, replace=count > len(others)).tolist())


def _parts(groups: Sequence[str], links: Sequence[str]) -> list[int]:
    """Assign a number to each sample, the same for groups that are connected by links."""
    parents: dict[tuple[str, str], tuple[str, str]] = {}

    def root(node: tuple[str, str]) -> tuple[str, str]:
        while parents.setdefault(node, node) != node:
            parents[node] = parents[parents[node]]
            node = parents[node]
        return node

    for group, link in zip(groups, links, strict=True):
        parents[root(('group', group))] = root(('link', link))
    roots = [root(('group', group)) for group in groups]
    numbers = {root_name: number for number, root_name in enumerate(dict.fromkeys(roots))}
    return [numbers[root_of_sample] for root_of_sample in roots]


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
        shuffled = rng.permutation(self._groups[number]).tolist()
        repeats = -(-self._targets // len(shuffled))
        indices = tuple((shuffled * repeats)[: self._targets])
        if self._negative_sampler is None:
            return Draw(indices, seed)
        negative_rng = np.random.default_rng((*seed, _NEGATIVE_STREAM))
        negative = self._negative_sampler.draw(indices[0], self._negative, negative_rng)
        return Draw(indices, seed, negative)


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
