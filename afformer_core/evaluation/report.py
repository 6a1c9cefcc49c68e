# SPDX-License-Identifier: Apache-2.0
"""One evaluation of one model on one dataset, from pairs to tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from afformer_core.data.annotated_dataset import AnnotatedDataset
from afformer_core.errors import DatasetError
from afformer_core.evaluation.abstention import abstention_table
from afformer_core.evaluation.accuracy import accuracy_table
from afformer_core.evaluation.demonstration_use import demonstration_table, motion_table
from afformer_core.evaluation.model_run import PairResult
from afformer_core.evaluation.priors import (
    ActionMeanMaps,
    CrossValidatedMeanMaps,
    Predictor,
    centred_gaussian,
    uniform,
)
from afformer_core.evaluation.protocols import EvaluationProtocol, Row
from afformer_core.evaluation.tables import Cell, Table, plain

# Of the accuracy table's columns.
_METRICS = ('kld', 'sim', 'auc_j', 'top_1', 'balanced_accuracy', 'peak_inside', 'nearest')


@dataclass(frozen=True)
class Report:
    """Facts about an evaluation, its tables, and the measures of what was evaluated by name."""

    facts: Mapping[str, str | int | float]
    tables: tuple[Table, ...]
    metrics: Mapping[str, Cell]

    def to_markdown(self) -> str:
        """Facts as a list, then the tables."""
        facts = [f'- {name}: {_text(value)}' for name, value in self.facts.items()]
        return '\n'.join(facts) + ''.join(f'\n\n{table.to_markdown()}' for table in self.tables)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; of each metric the value, and its interval where it has one."""
        metrics = {name: plain(cell) for name, cell in self.metrics.items()}
        return {
            **self.facts,
            'metrics': {name: _value(cell) for name, cell in metrics.items()},
            'intervals': {
                name: [cell['low'], cell['high']]
                for name, cell in metrics.items()
                if isinstance(cell, dict)
            },
            'tables': [table.to_json() for table in self.tables],
        }


@dataclass(frozen=True)
class BlindPrior:
    """What a predictor may know of a dataset without looking at a sample.

    Attributes:
        mean_maps: predictor of the mean ground truth of the same action.
        label: of its row in a table.
        constant_action: the most frequent action, 0-based.
    """

    mean_maps: Predictor
    label: str
    constant_action: int


def prior_from_training(
    protocol: EvaluationProtocol, training: AnnotatedDataset, dataset: AnnotatedDataset
) -> BlindPrior:
    """The prior of another annotation file, usually the training set's.

    Raises:
        DatasetError: the two name different actions.
    """
    if training.action_names != dataset.action_names:
        raise DatasetError(
            f'the prior annotations name the actions {list(training.action_names)}, the dataset '
            f'{list(dataset.action_names)}; give annotations with the same actions'
        )
    rows = protocol.rows(training)
    maps = ActionMeanMaps.fit(protocol, rows)
    return BlindPrior(maps, "same action's mean map (prior annotations)", most_frequent(rows))


def prior_from_folds(protocol: EvaluationProtocol, rows: Sequence[Row]) -> BlindPrior:
    """The prior of a dataset's own rows, in five folds by image or appliance."""
    maps = CrossValidatedMeanMaps(protocol, rows)
    return BlindPrior(maps, "same action's mean map (5 folds)", most_frequent(rows))


def most_frequent(rows: Sequence[Row]) -> int:
    """The action of most rows."""
    return Counter(row.action for row in rows).most_common(1)[0][0]


def build_report(
    results: Sequence[PairResult],
    protocol: EvaluationProtocol,
    prior: BlindPrior,
    action_names: Sequence[str],
    facts: Mapping[str, str | int | float],
    seed: int = 0,
    progress: bool = True,
) -> Report:
    """Tables of a model's results with the blind rows beside them.

    Args:
        results: at least one.
        protocol: the one they were made with.
        prior: for the blind rows.
        action_names: of the dataset.
        facts: about model and dataset, shown first.
        seed: of jitter and bootstrap.
        progress: show a progress bar on stderr.
    """
    blind: dict[str, Predictor] = {
        'uniform': uniform(protocol.size),
        'centred Gaussian, sigma 0.3': centred_gaussian(protocol.size),
        prior.label: prior.mean_maps,
    }
    constant = prior.constant_action
    tables = (
        accuracy_table(results, protocol, blind, action_names, constant, seed, progress),
        demonstration_table(results, seed),
        motion_table(results, action_names, seed),
        abstention_table(results, seed),
    )
    counted = {
        'pairs': len(results),
        'appliances or images': len({result.rows[0].group for result in results}),
        'milliseconds an image, median': float(
            np.median([result.milliseconds for result in results])
        ),
    }
    metrics = dict(zip(_METRICS, tables[0].rows['model'], strict=True))
    return Report(
        {**facts, **counted}, tuple(table for table in tables if table is not None), metrics
    )


def _value(cell: Any) -> Any:
    return cell['value'] if isinstance(cell, dict) else cell


def _text(value: str | int | float) -> str:
    return f'{value:.1f}' if isinstance(value, float) else str(value)
