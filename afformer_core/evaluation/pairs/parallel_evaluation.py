# SPDX-License-Identifier: Apache-2.0
"""Pairs of demonstration and image shared by processes, each of which opens the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from tqdm import tqdm

from afformer_core.data.frame_sampling import FrameSampling
from afformer_core.evaluation.pairs.pair_evaluator import ModelRun
from afformer_core.evaluation.pairs.pair_result import PairResult
from afformer_core.evaluation.pairs.pairs import Pair
from afformer_core.evaluation.protocols.protocols import EvaluationProtocol
from afformer_core.parallel.workers import steps
from afformer_core.runtime import Grounder


@dataclass(frozen=True)
class RunSettings:
    """Settings of a process that opens the same run as others; most are those of `ModelRun`.

    Attributes:
        open_grounder: function that opens the model; other processes must be able to import it.
    """

    open_grounder: Callable[[], Grounder]
    protocol: EvaluationProtocol
    seed: int = 0
    sampling: FrameSampling | None = None
    folder_rate: float | None = None
    annotated_actions: tuple[str, ...] | None = None
    together: int = 1
    keeps_heatmaps: bool = False


@lru_cache(maxsize=1)
def open_run(settings: RunSettings) -> ModelRun:
    """Open the run of settings, once in a process.

    Raises:
        ModelFolderError: there is no sound model.
        ValueError: see `ModelRun`.
    """
    return ModelRun(
        settings.open_grounder(),
        settings.protocol,
        settings.seed,
        settings.sampling,
        settings.folder_rate,
        settings.annotated_actions,
        settings.together,
        settings.keeps_heatmaps,
    )


def evaluate_pairs(
    settings: RunSettings, pairs: Sequence[Pair], processes: int = 1, progress: bool = True
) -> list[PairResult]:
    """`ModelRun.evaluate` by several processes; the numbers are the same for any number of them.

    Args:
        settings: settings of the run.
        pairs: those that share demonstrations one after another.
        processes: number of processes that share the pairs, at least 1, the caller's own.
        progress: show a progress bar on stderr.
    """
    work = _Work(settings, pairs, _groups(pairs))
    results: dict[int, PairResult] = {}
    with tqdm(total=len(pairs), desc='grounding', unit='pair', disable=not progress) as bar:
        for number, result in steps(work, range(len(work.groups)), processes):
            results[number] = result
            bar.update()
    return [results[number] for number in range(len(pairs))]


@dataclass(frozen=True)
class _Work:
    settings: RunSettings
    pairs: Sequence[Pair]
    groups: Sequence[Sequence[int]]

    def __call__(self, group: int) -> Iterator[tuple[int, PairResult]]:
        run = open_run(self.settings)
        numbers = self.groups[group]
        results = run.evaluate([self.pairs[number] for number in numbers], numbers[0])
        yield from zip(numbers, results, strict=True)


def _groups(pairs: Sequence[Pair]) -> list[tuple[int, ...]]:
    """Numbers of neighbours that may share demonstrations, which a run memorizes once."""
    grouped = groupby(range(len(pairs)), lambda number: pairs[number].sample.group)
    return [tuple(numbers) for _, numbers in grouped]
