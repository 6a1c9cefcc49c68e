# SPDX-License-Identifier: Apache-2.0
"""A model's accuracy beside predictors that look at nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from afformer_core.data.heatmaps import ground_truth_heatmaps, pad_points
from afformer_core.evaluation.action_names import best_action, right_actions, same_action
from afformer_core.evaluation.bootstrap import bootstrap_class_mean, bootstrap_mean
from afformer_core.evaluation.elements import Point, contains, inner_points, nearest_element
from afformer_core.evaluation.model_run import PairResult
from afformer_core.evaluation.pairs import Pair
from afformer_core.evaluation.priors import Predictor
from afformer_core.evaluation.protocols import EvaluationProtocol, Heatmaps, Row
from afformer_core.evaluation.scoring import RowScores, concatenate, score
from afformer_core.evaluation.tables import Cell, Table

_NAN = float('nan')


def accuracy_table(
    results: Sequence[PairResult],
    protocol: EvaluationProtocol,
    blind: Mapping[str, Predictor],
    action_names: Sequence[str],
    constant_action: int,
    seed: int = 0,
    progress: bool = True,
) -> Table:
    """The model's row and the blind rows.

    Args:
        results: of the model, at least one.
        protocol: the one the results were made with.
        blind: predictors by label.
        action_names: of the dataset.
        constant_action: the answer of the blind row for actions, 0-based.
        seed: of jitter and bootstrap.
        progress: show a progress bar on stderr.
    """
    rows = [row for result in results for row in result.rows]
    pairs = [result.pair for result in results for _ in result.rows]
    predictors = dict(blind)
    if all(pair.sample.scene is not None for pair in pairs):
        predictors['every element, not which'] = _every_element(pairs, protocol.size)
    scores = score(protocol, rows, predictors, seed, progress)
    model = concatenate([result.scores for result in results])
    cells = {
        'model': _heatmap_cells(model, rows, seed)
        + _action_cells(results, action_names, seed)
        + _place_cells([r.pair for r in results], [r.peak for r in results], seed)
    }
    for label, predictor in predictors.items():
        peaks = [_highest(predictor(i, row), row) for i, row in enumerate(rows)]
        cells[label] = [
            *_heatmap_cells(scores[label], rows, seed),
            None,
            None,
            *_place_cells(pairs, peaks, seed),
        ]
    cells[f'always {action_names[constant_action]}'] = [
        *[None] * 3,
        *_constant_action_cells(results, constant_action, seed),
        None,
        None,
    ]
    if all(pair.sample.scene is not None for pair in pairs):
        cells['an element at random'] = [*[None] * 5, *[_chance(results)] * 2]
    columns = ('KLD', 'SIM', 'AUC-J', 'Top-1', 'balanced accuracy', 'peak inside', 'nearest')
    return Table('Accuracy', columns, cells, _notes(protocol))


def _notes(protocol: EvaluationProtocol) -> tuple[str, ...]:
    return (
        f'KLD (lower is better), SIM, AUC-J: protocol "{protocol.name}".',
        'peak inside: share of best peaks inside the demonstrated element; nearest: share for '
        'which it is the nearest element. Blind rows take the highest pixel.',
        'Intervals: 95 %, bootstrapped over appliances (images, where the data names none).',
    )


def _heatmap_cells(scores: RowScores, rows: Sequence[Row], seed: int) -> list[Cell]:
    groups = [row.group for row in rows]
    return [
        bootstrap_mean(values, groups, seed)
        for values in (scores.kld, scores.sim, scores.auc_judd)
    ]


def _action_cells(
    results: Sequence[PairResult], action_names: Sequence[str], seed: int
) -> list[Cell]:
    hits, best, groups, classes = [], [], [], []
    for result in results:
        wanted = sorted(set(result.pair.sample.actions))
        right = right_actions(result.action_scores, wanted, action_names)
        answer = best_action(result.action_scores)
        for action in wanted:
            hits.append(_NAN if right is None else right / len(wanted))
            best.append(_NAN if right is None else same_action(answer, action_names[action]))
            groups.append(result.rows[0].group)
            classes.append(action)
    return [
        bootstrap_mean(hits, groups, seed),
        bootstrap_class_mean(best, groups, classes, seed),
    ]


def _constant_action_cells(results: Sequence[PairResult], constant: int, seed: int) -> list[Cell]:
    rows = [row for result in results for row in result.rows]
    hits = [float(row.action == constant) for row in rows]
    groups = [row.group for row in rows]
    classes = [row.action for row in rows]
    return [
        bootstrap_mean(hits, groups, seed),
        bootstrap_class_mean(hits, groups, classes, seed),
    ]


def _place_cells(pairs: Sequence[Pair], peaks: Sequence[Point | None], seed: int) -> list[Cell]:
    inside, nearest, groups = [], [], []
    for pair, peak in zip(pairs, peaks, strict=True):
        scene = pair.sample.scene
        if scene is not None and peak is not None:
            inside.append(float(contains(scene.polygons[scene.element], peak)))
            nearest.append(float(nearest_element(scene.polygons, peak) == scene.element))
            groups.append(scene.scene_id)
    return [bootstrap_mean(inside, groups, seed), bootstrap_mean(nearest, groups, seed)]


def _highest(heatmap: Heatmaps, row: Row) -> Point | None:
    """The highest pixel in pixels of the annotation; None where many are as high."""
    if (heatmap == heatmap.max()).sum() > 4:
        return None
    y, x = np.unravel_index(int(heatmap.argmax()), heatmap.shape)
    height, width = heatmap.shape
    return (
        (float(x) + 0.5) * row.image_size[0] / width - 0.5,
        (float(y) + 0.5) * row.image_size[1] / height - 0.5,
    )


def _every_element(pairs: Sequence[Pair], size: tuple[int, int]) -> Predictor:
    def predict(index: int, row: Row) -> Heatmaps:
        scene = pairs[index].sample.scene
        assert scene is not None
        scale = np.divide((size[1], size[0]), row.image_size)
        points: NDArray[np.float64] = np.concatenate(
            [inner_points(polygon) * scale for polygon in scene.polygons]
        )
        heatmap: Heatmaps = ground_truth_heatmaps(pad_points([points]), size)[0].numpy()
        return heatmap

    return predict


def _chance(results: Sequence[PairResult]) -> float:
    scenes = [result.pair.sample.scene for result in results]
    return float(np.mean([1 / len(scene.polygons) for scene in scenes if scene is not None]))
