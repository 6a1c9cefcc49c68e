# SPDX-License-Identifier: Apache-2.0
"""Accuracy of heatmaps, actions and best peaks, compared with baselines: measures and tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.files.annotation_files import HOW_TO_NAME
from afformer_core.offline.evaluation.metrics.scoring import RowScores
from afformer_core.offline.evaluation.pairs.comparison import Comparison
from afformer_core.offline.evaluation.pairs.pair_result import PairResult
from afformer_core.offline.evaluation.protocols.protocols import ProtocolRow
from afformer_core.offline.evaluation.tables.action_names import (
    best_action,
    right_actions,
    same_action,
    same_vocabulary,
)
from afformer_core.offline.evaluation.tables.estimates import (
    ELEMENT_COLUMNS,
    HEATMAP_COLUMNS,
    INTERVAL_NOTE,
    PEAK_COLUMNS,
    PEAK_NOTE,
    PredictorMeasures,
    RowMeasures,
    estimate,
)
from afformer_core.offline.evaluation.tables.which_button import measure_buttons
from afformer_core.offline.reports.bootstrap import Estimate, bootstrap_class_mean, bootstrap_mean
from afformer_core.offline.reports.tables import Table

RANDOM_ELEMENT = 'random_element'
CONSTANT_ACTION = 'constant_action'

ACTION_COLUMNS = {'top_1': 'Top-1', 'balanced_accuracy': 'balanced accuracy'}
ACCURACY_COLUMNS = {**HEATMAP_COLUMNS, **ACTION_COLUMNS}
PEAK_TABLE_COLUMNS = dict(PEAK_COLUMNS)
ELEMENT_TABLE_COLUMNS = {**PEAK_COLUMNS, **ELEMENT_COLUMNS}

_NAN = float('nan')


@dataclass(frozen=True)
class ActionMeasures:
    """Accuracies of actions; see `PredictorMeasures`. None if they are not compared."""

    top_1: Estimate | None
    balanced_accuracy: Estimate | None


@dataclass(frozen=True)
class ActionHits:
    """Hits of annotated actions; NaN if the actions of model and dataset differ.

    Attributes:
        among_best: [N] share of a sample's k annotated actions among the k best-scored ones, for
            each of these actions.
        best: [N] 1 if the action has the best score, or 0.
        groups: N images or scenes.
        actions: N annotated actions, 0-based.
    """

    among_best: NDArray[np.float64]
    best: NDArray[np.float64]
    groups: tuple[str, ...]
    actions: tuple[int, ...]


def measure_predictors(
    comparison: Comparison, actions: Mapping[str, ActionMeasures], seed: int = 0
) -> dict[str, PredictorMeasures]:
    """Measure every predictor of a comparison, by name, and chance.

    Args:
        comparison: comparison of one predictor or several.
        actions: measures of the predictors that score actions, by name; `CONSTANT_ACTION` may be
            among them.
        seed: seed of the bootstrap.

    Returns:
        measures of the comparison's predictors, of `CONSTANT_ACTION` if given, and of
        `RANDOM_ELEMENT` if the elements are known.
    """
    rows, measured = comparison.rows, {}
    for name, scores in comparison.scores.items():
        buttons = vars(measure_buttons(scores, rows, seed)) if comparison.of_buttons else {}
        said = vars(actions[name]) if name in actions else {}
        measured[name] = PredictorMeasures(**vars(estimate(scores, rows, seed)), **said, **buttons)
    if CONSTANT_ACTION in actions:
        measured[CONSTANT_ACTION] = PredictorMeasures(len(rows), **vars(actions[CONSTANT_ACTION]))
    chance = comparison.chance
    if chance is not None:
        measured[RANDOM_ELEMENT] = PredictorMeasures(
            len(rows),
            peak_inside=chance,
            nearest=chance,
            which_button=chance if comparison.of_buttons else None,
        )
    return measured


def hit_actions(results: Sequence[PairResult], action_names: Sequence[str]) -> ActionHits:
    """Compare the actions that a model scores with the annotated ones.

    Args:
        results: results of the model, at least one.
        action_names: names of the actions of the dataset.
    """
    hits, best, groups, actions = [], [], [], []
    for result in results:
        expected = sorted(set(result.pair.sample.actions))
        right = right_actions(result.action_scores, expected, action_names)
        answer = best_action(result.action_scores)
        for action in expected:
            hits.append(_NAN if right is None else right / len(expected))
            best.append(_NAN if right is None else same_action(answer, action_names[action]))
            groups.append(result.rows[0].group)
            actions.append(action)
    return ActionHits(
        np.array(hits, np.float64), np.array(best, np.float64), tuple(groups), tuple(actions)
    )


def measure_model_actions(
    results: Sequence[PairResult], action_names: Sequence[str], seed: int = 0
) -> ActionMeasures:
    """Measure how often the actions of a model are right.

    Args:
        results: results of the model, at least one.
        action_names: names of the actions of the dataset.
        seed: seed of the bootstrap.
    """
    hits = hit_actions(results, action_names)
    return ActionMeasures(
        bootstrap_mean(hits.among_best, hits.groups, seed),
        bootstrap_class_mean(hits.best, hits.groups, hits.actions, seed),
    )


def measure_constant_action(
    results: Sequence[PairResult], constant: int, seed: int = 0
) -> ActionMeasures:
    """Measure how often one constant action is right.

    Args:
        results: results, at least one.
        constant: index of the action.
        seed: seed of the bootstrap.
    """
    rows = [row for result in results for row in result.rows]
    hits = [float(row.action == constant) for row in rows]
    groups = [row.group for row in rows]
    classes = [row.action for row in rows]
    return ActionMeasures(
        bootstrap_mean(hits, groups, seed), bootstrap_class_mean(hits, groups, classes, seed)
    )


def accuracy_table(
    protocol: str,
    predictors: Mapping[str, PredictorMeasures],
    labels: Mapping[str, str],
    notes: Sequence[str] = (),
) -> Table:
    """Build the table of heatmaps and actions: the model's row and the baseline rows.

    Args:
        protocol: name of the rows' protocol.
        predictors: measures by name.
        labels: labels of their rows.
        notes: further sentences below the table.
    """
    rows = {
        labels[name]: vars(measures)
        for name, measures in predictors.items()
        if name != RANDOM_ELEMENT
    }
    first = f'KLD (lower is better), SIM, AUC-J: protocol "{protocol}".'
    return Table.of('Accuracy', ACCURACY_COLUMNS, rows, (first, INTERVAL_NOTE, *notes))


def peak_table(predictors: Mapping[str, PredictorMeasures], labels: Mapping[str, str]) -> Table:
    """Build the table of best peaks against annotations and, if known, elements.

    Args:
        predictors: measures by name.
        labels: labels of their rows.
    """
    rows = {
        labels[name]: vars(measures)
        for name, measures in predictors.items()
        if name != CONSTANT_ACTION
    }
    notes = [PEAK_NOTE]
    columns = PEAK_TABLE_COLUMNS
    if RANDOM_ELEMENT in predictors:
        columns = ELEMENT_TABLE_COLUMNS
        notes.append(
            'peak inside: share of best peaks inside the demonstrated element; nearest: share for '
            'which it is the nearest element.'
        )
    notes.append('The baselines use the highest pixel. ' + INTERVAL_NOTE)
    return Table.of('Best peak', columns, rows, notes)


def notes_on_actions(known: Collection[str], action_names: Sequence[str]) -> tuple[str, ...]:
    """Explain why actions are not measured; empty if they are.

    Args:
        known: actions of the model.
        action_names: names of the actions of the dataset.
    """
    if same_vocabulary(known, action_names):
        return ()
    if not known:
        return ('Actions are not measured: the model scores none.',)
    return (
        f'Actions are not measured: the model knows {", ".join(known)}, the annotations name '
        f'{", ".join(action_names)}; both must name the same ({HOW_TO_NAME}).',
    )


ACTION_TABLE_COLUMNS = {'rows': 'rows', **HEATMAP_COLUMNS, **PEAK_COLUMNS}


def measure_actions(
    rows: Sequence[ProtocolRow], scores: RowScores, action_names: Sequence[str], seed: int = 0
) -> dict[str, RowMeasures]:
    """Measure the rows of each action that occurs, by its name.

    Args:
        rows: rows, at least one.
        scores: scores of the rows.
        action_names: names of the actions of the dataset.
        seed: seed of the bootstrap.
    """
    actions = np.array([row.action for row in rows])
    return {
        action_names[action]: estimate(scores, rows, seed, actions == action)
        for action in sorted(set(actions.tolist()))
    }


def action_table(
    protocol: str, all_rows: RowMeasures, by_action: Mapping[str, RowMeasures]
) -> Table:
    """Build the table of all rows, and of those of each action.

    Args:
        protocol: name of the rows' protocol.
        all_rows: measures of one predictor on all rows.
        by_action: its measures on the rows of each action, by name.
    """
    first = f'Protocol "{protocol}"; lower is better only for KLD and the peak error.'
    rows = {
        'all': vars(all_rows),
        **{name: vars(measures) for name, measures in by_action.items()},
    }
    return Table.of('By action', ACTION_TABLE_COLUMNS, rows, (first, INTERVAL_NOTE))
