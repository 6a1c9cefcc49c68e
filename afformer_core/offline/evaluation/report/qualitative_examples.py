# SPDX-License-Identifier: Apache-2.0
"""The best, median and worst rows of an evaluation, as images with a caption."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from afformer_core.errors import ImageError, VideoError
from afformer_core.media.images import read_image
from afformer_core.media.video import read_video
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.evaluation.metrics import RowScores, concatenate
from afformer_core.offline.evaluation.model_differences import paired
from afformer_core.offline.evaluation.pairs.actions import best_action
from afformer_core.offline.evaluation.pairs.pair_evaluator import ModelRun, PairResult
from afformer_core.offline.evaluation.pairs.pooled_rows import PooledRows
from afformer_core.offline.evaluation.protocols import (
    Heatmaps,
    Predictor,
    ProtocolRow,
    RowsProtocol,
)
from afformer_core.offline.evaluation.report.tiles import (
    TILE_SIDE,
    RgbImage,
    draw_heatmap,
    fit,
    mark_annotation,
    mark_peak,
)

_FRAMES = 4


@dataclass(frozen=True)
class MeasuredRows:
    """Rows with their predictor and scores.

    Attributes:
        protocol: protocol of the rows.
        rows: rows, at least one.
        scores: scores of the rows.
        predictor: predictor that computes the heatmap of a row again.
        action_names: names of the actions of the dataset.
        answers: action of the predictor for each row, with its score; empty: none.
    """

    protocol: RowsProtocol
    rows: Sequence[ProtocolRow]
    scores: RowScores
    predictor: Predictor
    action_names: Sequence[str]
    answers: Sequence[str] = ()


def measured_by_model(
    results: Sequence[PairResult],
    open_run: Callable[[], ModelRun],
    protocol: RowsProtocol,
    action_names: Sequence[str],
) -> MeasuredRows:
    """Return the rows of a model's results.

    Args:
        results: results, at least one.
        open_run: function that opens the run, which grounds the pairs of chosen rows again.
        protocol: protocol of the results.
        action_names: names of the actions of the dataset.
    """
    by_row = [(result, number) for result in results for number in range(len(result.rows))]

    def predict(index: int, row: ProtocolRow) -> Heatmaps:
        result, number = by_row[index]
        heatmap: Heatmaps = open_run().measured(result.pair)[number]
        return heatmap

    return MeasuredRows(
        protocol,
        [row for result in results for row in result.rows],
        concatenate([result.scores for result in results]),
        predict,
        action_names,
        [_answer(result) for result, _ in by_row if result.action_scores],
    )


def measured_by_pooling(pooled: PooledRows, action_names: Sequence[str]) -> MeasuredRows:
    """Return the rows of an image and an action, with the mean of their heatmaps."""

    def predict(index: int, row: ProtocolRow) -> Heatmaps:
        heatmap: Heatmaps = pooled.heatmaps[index]
        return heatmap

    return MeasuredRows(pooled.protocol, pooled.rows, pooled.scores, predict, action_names)


@dataclass(frozen=True)
class QualitativeExample:
    """One row for visual inspection.

    Attributes:
        title: the sample and its action.
        measures: short texts, such as `KLD 0.52`.
        frames: frames of the demonstration, in order; empty if there is none, or its clip is
            missing.
        predicted: heatmaps with their best peaks, by caption.
        target: the ground truth with the annotation.
    """

    title: str
    measures: tuple[str, ...]
    frames: tuple[RgbImage, ...]
    predicted: Mapping[str, RgbImage]
    target: RgbImage


def best_and_worst_examples(
    models: Mapping[str, MeasuredRows], count: int = 6, *, progress: bool = True
) -> dict[str, list[QualitativeExample]]:
    """Draw rows under the heatmaps of models; see `draw_examples`.

    Args:
        models: the same rows of each model by name, at least one. The rows of a single model are
            chosen by its KLD, those of several by the KLD of the last one less that of the first.
            If the clip or the image of a row is missing, only its heatmaps are shown.
        count, progress: see `draw_examples`.
    """
    first, *_, last = [*models.values(), *models.values()]
    badness = first.scores['kld'] if len(models) == 1 else paired('kld', first.scores, last.scores)
    chosen = {index for indices in choose(badness.tolist(), count).values() for index in indices}
    # one model after the other, since opening one may close another
    tiles = {
        name: {index: _predicted(measured, index) for index in chosen}
        for name, measured in models.items()
    }

    def draw(index: int) -> QualitativeExample:
        row = first.rows[index]
        image = _image(Path(row.image))
        target = draw_heatmap(image, first.protocol.targets([row])[0], row)
        mark_annotation(target, row)
        measures = [*_measures(first.scores, index), *first.answers[index : index + 1]]
        if len(models) > 1:
            measures = [f'{n}: KLD {m.scores["kld"][index]:.2f}' for n, m in models.items()]
        return QualitativeExample(
            f'{_name(row)}, {first.action_names[row.action]}',
            tuple(measures),
            () if row.sample is None else _frames(row.sample),
            {name: of_model[index] for name, of_model in tiles.items()},
            target,
        )

    examples = draw_examples(badness.tolist(), draw, count, progress=progress)
    if len(models) == 1:
        return examples
    reference, *_, other = models
    chapters = {
        'best': f'where {other} is better than {reference}',
        'median': 'in between',
        'worst': f'where {other} is worse than {reference}',
    }
    return {chapter: examples[name] for name, chapter in chapters.items()}


def draw_examples(
    badness: Sequence[float],
    draw: Callable[[int], QualitativeExample],
    count: int = 6,
    *,
    progress: bool = True,
) -> dict[str, list[QualitativeExample]]:
    """Draw examples by `best`, `median` and `worst`; the worst one first in `worst`.

    Args:
        badness: badness of each.
        draw: function that draws one by its index.
        count: maximum number of each; of at least three, none is used twice.
        progress: show a progress bar on stderr.
    """
    chosen = choose(badness, count)
    total = sum(map(len, chosen.values()))
    with tqdm(total=total, desc='images', disable=not progress) as bar:
        examples: dict[str, list[QualitativeExample]] = {name: [] for name in chosen}
        for name, indices in chosen.items():
            for index in indices:
                examples[name].append(draw(index))
                bar.update()
    return examples


def choose(badness: Sequence[float], count: int) -> dict[str, list[int]]:
    """Choose the best, the median and the worst indices, at most `count` each."""
    ranked = sorted(range(len(badness)), key=badness.__getitem__)
    taken = max(1, min(count, len(ranked) // 3))
    middle = (len(ranked) - taken) // 2
    return {
        'best': ranked[:taken],
        'median': ranked[middle : middle + taken],
        'worst': ranked[::-1][:taken],
    }


def _predicted(measured: MeasuredRows, index: int) -> RgbImage:
    row = measured.rows[index]
    tile = draw_heatmap(_image(Path(row.image)), measured.predictor(index, row), row)
    mark_peak(tile, measured.scores['position'][index], row)
    return tile


def _name(row: ProtocolRow) -> str:
    # File names without folders may not be unique.
    return '/'.join(Path(row.image).parts[-4:]) if row.sample is None else row.sample.sample_id


def _measures(scores: RowScores, index: int) -> list[str]:
    texts = [
        f'KLD {scores["kld"][index]:.2f}',
        f'SIM {scores["sim"][index]:.2f}',
        f'AUC-J {scores["auc_j"][index]:.2f}',
    ]
    hit = scores['hit_rate'][index]
    if np.isnan(scores['position'][index]).any():
        texts.append('no peak')
    elif not math.isnan(hit):
        texts.append('hit' if hit else 'no hit')
        texts.append(f'peak error {scores["peak_error"][index]:.1f} %')
    return texts


def _answer(result: PairResult) -> str:
    best = best_action(result.action_scores)
    return f'says {best} ({result.action_scores[best]:.2f})'


def _image(path: Path) -> RgbImage | None:
    try:
        return read_image(path)
    except ImageError:
        return None


def _frames(sample: Sample) -> tuple[RgbImage, ...]:
    try:
        frames = read_video(sample.video_path, _FRAMES, sample.clip)
    except VideoError:
        return ()
    return tuple(fit(frame, TILE_SIDE // 2) for frame in frames)
