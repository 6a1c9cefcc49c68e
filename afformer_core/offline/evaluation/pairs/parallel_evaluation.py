# SPDX-License-Identifier: Apache-2.0
"""Evaluation of pairs in several processes, each of which opens the model once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby

from tqdm import tqdm

from afformer_core.offline.data.frame_sampling import FrameSampling
from afformer_core.offline.evaluation.pairs.pair_evaluator import ModelRun
from afformer_core.offline.evaluation.pairs.pair_result import PairResult
from afformer_core.offline.evaluation.pairs.pairs import Pair
from afformer_core.offline.evaluation.protocols.protocols import EvaluationProtocol
from afformer_core.offline.parallel.engine import ParallelEngine
from afformer_core.offline.parallel.local_engine import ONE_PROCESS
from afformer_core.runtime import ArrayGrounder


@dataclass(frozen=True)
class RunSettings:
    """Settings with which each process opens the same run, mostly those of `ModelRun`.

    Attributes:
        open_grounder: function that opens the model; other processes must be able to import it.
    """

    open_grounder: Callable[[], ArrayGrounder]
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
        ModelFolderError: there is no valid model.
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
    settings: RunSettings,
    pairs: Sequence[Pair],
    engine: ParallelEngine = ONE_PROCESS,
    progress: bool = True,
) -> list[PairResult]:
    """Run `ModelRun.evaluate` in an engine; results do not depend on the number of processes.

    Args:
        settings: settings of the run.
        pairs: pairs, with those that share demonstrations next to each other.
        engine: engine that grounds the pairs; each of its machines must have the model and the
            dataset. One process grounds all pairs of a demonstration.
        progress: show a progress bar on stderr.

    Raises:
        Exception: a pair cannot be grounded; the first error ends the evaluation, because the
            results of the other pairs alone would describe a different dataset.
    """
    results: dict[int, PairResult] = {}
    with tqdm(total=len(pairs), desc='grounding', unit='pair', disable=not progress) as bar:
        for result in engine.map(partial(_open_evaluator, settings), _groups(pairs)):
            for number, pair_result in enumerate(result.get(), result.part.first):
                results[number] = pair_result
                bar.update()
    return [results[number] for number in range(len(pairs))]


@dataclass(frozen=True)
class _Group:
    """Neighbouring pairs that may share demonstrations, which a run memorizes once.

    Attributes:
        first: number of the first pair.
        pairs: the pairs.
    """

    first: int
    pairs: tuple[Pair, ...]


def _open_evaluator(settings: RunSettings) -> Callable[[_Group], list[PairResult]]:
    return partial(_evaluate_group, open_run(settings))


def _evaluate_group(run: ModelRun, group: _Group) -> list[PairResult]:
    return list(run.evaluate(group.pairs, group.first))


def _groups(pairs: Sequence[Pair]) -> list[_Group]:
    grouped = groupby(enumerate(pairs), lambda numbered: numbered[1].sample.group)
    groups = [list(numbered) for _, numbered in grouped]
    return [_Group(group[0][0], tuple(pair for _, pair in group)) for group in groups]
