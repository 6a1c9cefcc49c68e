# SPDX-License-Identifier: Apache-2.0
"""Heatmaps, actions and best peaks of a model beside those of predictors that look at nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from afformer_core.data.action_names import HOW_TO_NAME
from afformer_core.evaluation.action_names import (
    best_action,
    right_actions,
    same_action,
    same_vocabulary,
)
from afformer_core.evaluation.bootstrap import bootstrap_class_mean, bootstrap_mean
from afformer_core.evaluation.comparison import MODEL, Comparison
from afformer_core.evaluation.estimates import (
    ELEMENT_COLUMNS,
    HEATMAP_COLUMNS,
    INTERVAL_NOTE,
    PEAK_COLUMNS,
    PEAK_NOTE,
    estimate,
)
from afformer_core.evaluation.pair_result import PairResult
from afformer_core.evaluation.tables import Cell, Table

ACTION_COLUMNS = {'top_1': 'Top-1', 'balanced_accuracy': 'balanced accuracy'}

_NAN = float('nan')


def accuracy_table(
    comparison: Comparison,
    results: Sequence[PairResult],
    action_names: Sequence[str],
    constant_action: int,
    seed: int = 0,
    notes: Sequence[str] = (),
) -> Table:
    """Heatmaps and actions: the model's row and the blind rows.

    Args:
        comparison: of the results.
        results: of the model, at least one.
        action_names: of the dataset.
        constant_action: the answer of the blind row for actions, 0-based.
        seed: of the bootstrap.
        notes: further sentences below the table.
    """
    cells: dict[str, list[Cell]] = {}
    for label, scores in comparison.scores.items():
        estimates = estimate(scores, comparison.rows, seed)
        actions = _action_cells(results, action_names, seed) if label == MODEL else [None, None]
        cells[label] = [*(estimates[name] for name in HEATMAP_COLUMNS), *actions]
    cells[f'always {action_names[constant_action]}'] = [
        *[None] * len(HEATMAP_COLUMNS),
        *_constant_action_cells(results, constant_action, seed),
    ]
    columns = (*HEATMAP_COLUMNS.values(), *ACTION_COLUMNS.values())
    first = f'KLD (lower is better), SIM, AUC-J: protocol "{comparison.protocol}".'
    actions_note = _notes_on_actions(results[0].action_scores, action_names)
    return Table('Accuracy', columns, cells, (first, INTERVAL_NOTE, *actions_note, *notes))


def peak_table(comparison: Comparison, seed: int = 0) -> Table:
    """Where the best peaks lie: beside what was annotated, and among the elements if known."""
    columns, notes = dict(PEAK_COLUMNS), [PEAK_NOTE]
    if comparison.has_elements:
        columns |= ELEMENT_COLUMNS
        notes.append(
            'peak inside: share of best peaks inside the demonstrated element; nearest: share for '
            'which it is the nearest element.'
        )
    cells: dict[str, list[Cell]] = {}
    for label, scores in comparison.scores.items():
        estimates = estimate(scores, comparison.rows, seed)
        cells[label] = [estimates[name] for name in columns]
    if comparison.has_elements:
        cells['an element at random'] = [*[None] * len(PEAK_COLUMNS), *[comparison.chance] * 2]
    notes.append('Blind rows take the highest pixel. ' + INTERVAL_NOTE)
    return Table('Best peak', tuple(columns.values()), cells, tuple(notes))


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


def _notes_on_actions(known: Collection[str], action_names: Sequence[str]) -> tuple[str, ...]:
    if same_vocabulary(known, action_names):
        return ()
    if not known:
        return ('Actions are not measured: the model scores none.',)
    return (
        f'Actions are not measured: the model knows {", ".join(known)}, the annotations name '
        f'{", ".join(action_names)}; both must name the same ({HOW_TO_NAME}).',
    )


def _constant_action_cells(results: Sequence[PairResult], constant: int, seed: int) -> list[Cell]:
    rows = [row for result in results for row in result.rows]
    hits = [float(row.action == constant) for row in rows]
    groups = [row.group for row in rows]
    classes = [row.action for row in rows]
    return [
        bootstrap_mean(hits, groups, seed),
        bootstrap_class_mean(hits, groups, classes, seed),
    ]
