# SPDX-License-Identifier: Apache-2.0
"""Measures of two models on the same pairs, like `afformer evaluate`, and images of each pair."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from afformer_core.data.annotations import open_annotations
from afformer_core.errors import DatasetError
from afformer_core.evaluation.baseline_prior import prior_from_folds
from afformer_core.evaluation.least_differences import LEAST_KLD
from afformer_core.evaluation.metrics.scoring import concatenate
from afformer_core.evaluation.model_differences import ModelRows
from afformer_core.evaluation.pairs.pair_evaluator import ModelRun
from afformer_core.evaluation.pairs.pair_result import PairResult
from afformer_core.evaluation.pairs.pairs import Pair, choose_pairs
from afformer_core.evaluation.protocols.protocols import RowsProtocol
from afformer_core.evaluation.report.compared_report import build_compared_report
from afformer_core.evaluation.report.report import baseline_labels, build_report
from afformer_core.evaluation.report.tiles import (
    draw_heatmap,
    image_source,
    mark_annotation,
    mark_peak,
)
from afformer_core.evaluation.tables.accuracy import hit_actions
from afformer_core.media.images import read_image
from afformer_core.reports.tables import Table
from afformer_core.runtime import ArrayGrounder

Progress = Callable[[int, int], None]
"""Function that takes how many pairs are done, and of how many; what it raises ends the work."""

# Accuracy of both models, differences of the second, and peaks; the other tables are of one model.
_TABLES = 3


@dataclass(frozen=True)
class ComparedPair:
    """A pair and an action, with the heatmaps of both models.

    Attributes:
        title: the pair and its action.
        klds: KLD of the first and of the second model; lower is better.
        sources: sources of the images of both, for a page.
    """

    title: str
    klds: tuple[float, float]
    sources: tuple[str, str]

    @property
    def gain(self) -> float:
        """Decrease of KLD with the second model; 0 if it is too small to count."""
        first, second = self.klds
        # Both may be infinite.
        return 0.0 if first == second or abs(first - second) < LEAST_KLD else first - second


@dataclass(frozen=True)
class ModelComparison:
    """Two models on the same pairs.

    Attributes:
        names: names of the first and of the second model.
        tables: accuracy, differences of the second model from the first, and peaks.
        pairs: the pairs, sorted by decreasing advantage of the second model.
        hits: number of pairs in which the best peak of each model is at a marked point.
    """

    names: tuple[str, str]
    tables: tuple[Table, ...]
    pairs: tuple[ComparedPair, ...]
    hits: tuple[int, int]

    @property
    def verdict(self) -> str:
        """Describe in one sentence which model is better."""
        names, hits, count = self.names, self.hits, len(self.pairs)
        if hits[0] == hits[1]:
            return (
                f'Neither is better: the best peak of both is where the points are marked in '
                f'{hits[0]} of {count} pairs.'
            )
        better = int(hits[1] > hits[0])
        return (
            f'{names[better]} is better: its best peak is where the points are marked in '
            f'{hits[better]} of {count} pairs, that of {names[1 - better]} in {hits[1 - better]}.'
        )

    @property
    def change(self) -> str:
        """Describe whether the second model is better than the first, which it began with."""
        (before, after), count = self.hits, len(self.pairs)
        begin = {1: 'Better than before', 0: 'As good as before', -1: 'Worse than before'}
        earlier = '' if after == before else f', before in {before}'
        nearer = sum(pair.gain > 0 for pair in self.pairs)
        return (
            f'{begin[(after > before) - (after < before)]} on your pairs: the best peak is where '
            f'the points are marked in {after} of {count} pairs{earlier}. '
            f'The heatmap is closer to them in {nearer} of {count} pairs.'
        )


@dataclass(frozen=True)
class _Measured:
    results: Sequence[PairResult]
    sources: Sequence[str]

    @property
    def hits(self) -> int:
        return sum(int(hit == 1) for result in self.results for hit in result.scores.peaks.hit)

    @property
    def klds(self) -> list[float]:
        return [float(kld) for result in self.results for kld in result.scores.kld]


def compare_models(
    folders: Mapping[str, Path],
    annotations: Path,
    open_model: Callable[[Path], ArrayGrounder],
    progress: Progress,
) -> ModelComparison:
    """Measure two models on all pairs of a dataset; the numbers are those of `afformer evaluate`.

    Args:
        folders: folders of both models, by name.
        annotations: folder of own pairs, or another dataset.
        open_model: function that opens a model folder.
        progress: called after each pair of a model.

    Raises:
        DatasetError: the pairs are invalid, or none has points.
        ModelFolderError: a folder does not contain a valid model.
        ImageError, VideoError: a file of a pair cannot be read.
    """
    dataset = open_annotations(annotations)
    protocol, names = RowsProtocol(), dataset.action_names
    # Demonstrations of other elements say nothing about the accuracy of a heatmap.
    pairs = [
        replace(pair, hard_negative=None, negative=None) for pair in choose_pairs(list(dataset))
    ]
    if not pairs:
        raise DatasetError(f'{annotations} contains no pair with points. Mark some first')
    prior = prior_from_folds(protocol, protocol.rows(dataset))
    measured, reports, rows = {}, {}, {}
    for number, (name, folder) in enumerate(folders.items()):
        run = ModelRun(open_model(folder), protocol, keeps_heatmaps=True)
        own = _measure(run, pairs, partial(_note, progress, number, len(pairs)))
        measured[name] = own
        facts = {'model': str(folder)}
        reports[name] = build_report(own.results, protocol, prior, names, facts, progress=False)
        rows[name] = ModelRows(
            protocol.name,
            [row for result in own.results for row in result.rows],
            concatenate([result.scores for result in own.results]),
            hit_actions(own.results, names),
        )
    report = build_compared_report(reports, rows, baseline_labels(prior, names))
    first, second = folders
    pairs_of_both = _compared(rows[first], measured[first], measured[second], names)
    hits = measured[first].hits, measured[second].hits
    return ModelComparison((first, second), report.tables[:_TABLES], pairs_of_both, hits)


def _note(progress: Progress, model: int, count: int, done: int) -> None:
    progress(model * count + done, 2 * count)


def _measure(run: ModelRun, pairs: Sequence[Pair], done: Callable[[int], None]) -> _Measured:
    results, sources = [], []
    for number, pair in enumerate(pairs):
        (result,) = run.evaluate([pair], number)
        sources += _draw(result)
        results.append(replace(result, heatmaps=None))
        done(number + 1)
    return _Measured(results, sources)


def _draw(result: PairResult) -> list[str]:
    """Draw each row: the heatmap, its best peak and the annotations, as sources for a page."""
    assert result.heatmaps is not None
    image, drawn = read_image(result.pair.sample.image_path), []
    positions = result.scores.peaks.position
    for row, heatmap, position in zip(result.rows, result.heatmaps, positions, strict=True):
        tile = draw_heatmap(image, heatmap, row)
        mark_annotation(tile, row)
        mark_peak(tile, position, row)
        drawn.append(image_source(tile))
    return drawn


def _compared(
    rows: ModelRows, first: _Measured, second: _Measured, action_names: Sequence[str]
) -> tuple[ComparedPair, ...]:
    compared = [
        ComparedPair(f'{sample}, {action_names[action]}', klds, sources)
        for (sample, action), klds, sources in zip(
            rows.ids,
            zip(first.klds, second.klds, strict=True),
            zip(first.sources, second.sources, strict=True),
            strict=True,
        )
    ]
    return tuple(sorted(compared, key=lambda pair: -pair.gain))
