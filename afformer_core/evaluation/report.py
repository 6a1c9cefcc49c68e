# SPDX-License-Identifier: Apache-2.0
"""One evaluation of one model on one dataset, from pairs to tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from afformer_core.data.action_names import HOW_TO_NAME
from afformer_core.data.annotated_dataset import AnnotatedDataset
from afformer_core.errors import DatasetError
from afformer_core.evaluation.abstention import AREA, abstention_table
from afformer_core.evaluation.accuracy import ACTION_COLUMNS, accuracy_table, peak_table
from afformer_core.evaluation.action_table import action_table
from afformer_core.evaluation.bootstrap import Estimate, bootstrap_mean, bootstrap_ratio
from afformer_core.evaluation.buttons_protocol import ButtonsProtocol
from afformer_core.evaluation.comparison import MODEL, Comparison, compare
from afformer_core.evaluation.demonstration_use import (
    BALANCED,
    demonstration_table,
    motion_table,
)
from afformer_core.evaluation.estimates import estimate
from afformer_core.evaluation.pair_result import PairResult
from afformer_core.evaluation.priors import (
    ActionMeanMaps,
    CrossValidatedMeanMaps,
    Predictor,
    centred_gaussian,
    uniform,
)
from afformer_core.evaluation.protocols import EvaluationProtocol, Row
from afformer_core.evaluation.reliability import reliability_table
from afformer_core.evaluation.tables import Cell, Table, plain
from afformer_core.evaluation.which_button import button_measures, button_table
from afformer_core.runtime.presence import PresenceCalibration

_NO_MEAN_MAPS = (
    "There is no row of the same action's mean map, which other images make: the annotations are "
    'of one image or appliance. --prior-annotations takes it from others.'
)


@dataclass(frozen=True)
class Report:
    """One evaluation.

    Attributes:
        facts: about it.
        tables: of it.
        metrics: measures of what was evaluated, by name.
        blind: the same measures of what looks at nothing: the mean map of the same action, an
            element at random, the most frequent action; of those measures that it has.
    """

    facts: Mapping[str, str | int | float]
    tables: tuple[Table, ...]
    metrics: Mapping[str, Cell]
    blind: Mapping[str, Cell] = field(default_factory=dict)

    def to_markdown(self) -> str:
        """Facts as a list, then the tables."""
        facts = [f'- {name}: {fact_text(value)}' for name, value in self.facts.items()]
        return '\n'.join(facts) + ''.join(f'\n\n{table.to_markdown()}' for table in self.tables)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; of each measure the value, and its interval where it has one."""
        return {
            **self.facts,
            'metrics': _values(self.metrics),
            'intervals': _intervals(self.metrics),
            'blind': _values(self.blind),
            'blind_intervals': _intervals(self.blind),
            'tables': [table.to_json() for table in self.tables],
        }


@dataclass(frozen=True)
class BlindPrior:
    """What a predictor may know of a dataset without looking at a sample.

    Attributes:
        mean_maps: predictor of the mean ground truth of the same action; None where there is no
            other image to take the mean of.
        label: of its row in a table.
        constant_action: the most frequent action, 0-based.
    """

    mean_maps: Predictor | None
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
            f'{list(dataset.action_names)}; give annotations with the same actions ({HOW_TO_NAME})'
        )
    rows = protocol.rows(training)
    maps = ActionMeanMaps.fit(protocol, rows)
    return BlindPrior(maps, "same action's mean map (prior annotations)", most_frequent(rows))


def prior_from_folds(protocol: EvaluationProtocol, rows: Sequence[Row]) -> BlindPrior:
    """The prior of a dataset's own rows, in five folds by image or appliance.

    One image or appliance alone has no mean maps.
    """
    several = len({row.group for row in rows}) > 1
    maps = CrossValidatedMeanMaps(protocol, rows) if several else None
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
    calibration: PresenceCalibration | None = None,
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
        calibration: of the model, or None.
        seed: of jitter and bootstrap.
        progress: show a progress bar on stderr.
    """
    blind: dict[str, Predictor] = {
        'uniform': uniform(protocol.size),
        'centred Gaussian, sigma 0.3': centred_gaussian(protocol.size),
    }
    if prior.mean_maps is not None:
        blind[prior.label] = prior.mean_maps
    comparison = compare(results, protocol, blind, seed, progress)
    rows, scores = comparison.rows, comparison.scores[MODEL]
    has_boxes = isinstance(protocol, ButtonsProtocol)
    notes = () if prior.mean_maps is not None else (_NO_MEAN_MAPS,)
    accuracy = accuracy_table(
        comparison, results, action_names, prior.constant_action, seed, notes
    )
    buttons = button_table(comparison, seed) if has_boxes else None
    demonstrations = demonstration_table(results, protocol, seed)
    abstention = abstention_table(results, calibration, seed)
    reliability = reliability_table(results, calibration)
    motion = motion_table(results, action_names, seed)
    tables = (
        accuracy,
        peak_table(comparison, seed),
        buttons,
        demonstrations,
        motion,
        abstention,
        reliability,
        action_table('By action', protocol.name, rows, scores, action_names, seed),
    )
    share, prior_kld = _measures_of_prior(comparison, prior, seed)
    metrics: dict[str, Cell] = {
        **estimate(scores, rows, seed),
        'kld_share_of_blind': share,
        **dict(zip(ACTION_COLUMNS, accuracy.rows[MODEL][-len(ACTION_COLUMNS) :], strict=True)),
        **_measures_of_demonstrations(demonstrations, abstention, motion),
        **_measures_of_reliability(reliability),
        **({} if buttons is None else button_measures(buttons, MODEL)),
    }
    counted: dict[str, str | int | float] = {
        'protocol': protocol.name,
        'pairs': len(results),
        'appliances or images': len({row.group for row in rows}),
        'milliseconds an image, median': float(
            np.median([result.milliseconds for result in results])
        ),
    }
    constant = f'always {action_names[prior.constant_action]}'
    blind_measures: dict[str, Cell] = {
        'kld': prior_kld,
        'peak_inside': comparison.chance,
        'nearest': comparison.chance,
        'balanced_accuracy': accuracy.rows[constant][-1],
    }
    return Report(
        {**facts, **counted},
        tuple(table for table in tables if table is not None),
        metrics,
        blind_measures,
    )


def _measures_of_prior(
    comparison: Comparison, prior: BlindPrior, seed: int
) -> tuple[Estimate | None, Estimate | None]:
    """The model's KLD as a share of that of the mean maps, and theirs; None without them."""
    if prior.mean_maps is None:
        return None, None
    groups = [row.group for row in comparison.rows]
    kld, own = comparison.scores[prior.label].kld, comparison.scores[MODEL].kld
    return bootstrap_ratio(own, kld, groups, seed), bootstrap_mean(kld, groups, seed)


def _measures_of_demonstrations(
    demonstrations: Table | None, abstention: Table | None, motion: Table | None
) -> dict[str, Cell]:
    measures: dict[str, Cell] = {}
    if demonstrations is not None:
        _, other, rise = demonstrations.rows.values()
        measures['swapped_kld_rise'] = rise[0]
        measures['swapped_peak_inside'], measures['swapped_peak_follows'] = other[1:]
    if abstention is not None:
        *_, own, foreign = abstention.rows.values()
        measures['own_found'], measures['foreign_found'] = own[1], foreign[1]
        for column, cell in zip(abstention.columns, foreign, strict=True):
            if column.startswith(AREA):
                measures[f'auroc_of_{column.removeprefix(AREA)}'] = cell
    if motion is not None:
        names = ('balanced_accuracy_reversed', 'balanced_accuracy_frozen')
        measures.update(zip(names, motion.rows[BALANCED][-2:], strict=True))
    return measures


def _measures_of_reliability(reliability: Table | None) -> dict[str, Cell]:
    if reliability is None:
        return {}
    errors = (cells[-1] for cells in reliability.rows.values())
    return dict(zip(('presence_calibration_error', 'peak_calibration_error'), errors, strict=True))


def fact_text(value: str | int | float) -> str:
    """The value of a fact for people."""
    return f'{value:.1f}' if isinstance(value, float) else str(value)


def _values(measures: Mapping[str, Cell]) -> dict[str, Any]:
    return {
        name: plain(cell.value if isinstance(cell, Estimate) else cell)
        for name, cell in measures.items()
    }


def _intervals(measures: Mapping[str, Cell]) -> dict[str, Any]:
    return {
        name: [plain(cell.low), plain(cell.high)]
        for name, cell in measures.items()
        if isinstance(cell, Estimate)
    }
