# SPDX-License-Identifier: Apache-2.0
"""The simulated benchmark: the measures of a model on all of its splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from afformer_core.offline.evaluation.model_measures import ModelMeasures
from afformer_core.offline.evaluation.pairs.comparison import MODEL
from afformer_core.offline.evaluation.report.report import SCHEMA, EvaluationReport
from afformer_core.offline.evaluation.tables.accuracy import CONSTANT_ACTION, RANDOM_ELEMENT
from afformer_core.offline.reports.bootstrap import interval_note
from afformer_core.offline.reports.tables import Cell, Table

SPLITS = ('test-seen', 'test-unseen', 'test-buttons', 'test-absent')

_Rows = dict[str, dict[str, Cell]]


@dataclass(frozen=True)
class BenchmarkReport:
    """The reports of all splits by name, of one model."""

    reports: Mapping[str, EvaluationReport]

    def __post_init__(self) -> None:
        missing = [split for split in SPLITS if split not in self.reports]
        if missing:
            raise ValueError(f'the benchmark lacks {", ".join(missing)}')

    def table(self) -> Table:
        """Build the table of the model and of a predictor that ignores its input."""
        measures = {split: self.reports[split].measures for split in SPLITS}
        pairs = ', '.join(f'{measures[split].pairs} of {split}' for split in SPLITS)
        return Table.of(
            'Simulated benchmark',
            {'model': 'model', 'baseline': 'baseline'},
            {
                **_seen_rows(measures['test-seen']),
                'test-unseen: peak inside the demonstrated element': _beside_chance(
                    measures['test-unseen'], 'peak_inside'
                ),
                'test-buttons: nearest button is the right one': _beside_chance(
                    measures['test-buttons'], 'nearest'
                ),
                **_absent_rows(measures['test-absent']),
            },
            (
                f'Pairs: {pairs}. {interval_note("scenes")} baseline: an element at random, '
                'or the most frequent action.',
            ),
        )

    def to_markdown(self) -> str:
        """Write the table of all splits, then each split's report."""
        parts = [self.table().to_markdown()]
        parts += [f'## {split}\n\n{self.reports[split].to_markdown()}' for split in SPLITS]
        return '\n\n'.join(parts)

    def to_json(self) -> dict[str, Any]:
        """Return schema, and the reports of the splits by name, as plain JSON types."""
        splits = {split: self.reports[split].to_json() for split in SPLITS}
        return {'schema': SCHEMA, 'splits': splits}


def _seen_rows(measures: ModelMeasures) -> _Rows:
    use = measures.demonstration_use
    rows: _Rows = {
        "KLD, as a share of the same action's mean map's": {
            'model': measures.kld_share_of_baseline
        },
        'peak inside the demonstrated element': _beside_chance(measures, 'peak_inside'),
        'nearest element is the right one': _beside_chance(measures, 'nearest'),
        'action, balanced accuracy': {
            'model': measures.predictors[MODEL].balanced_accuracy,
            'baseline': measures.predictors[CONSTANT_ACTION].balanced_accuracy,
        },
        "another element's video: peak still inside the first": {
            'model': None if use is None else use.hard_negative.peak_in_own_region
        },
        "another element's video: peak inside the other": {
            'model': None if use is None else use.hard_negative.peak_in_other_region
        },
    }
    return {f'test-seen: {text}': cells for text, cells in rows.items()}


def _absent_rows(measures: ModelMeasures) -> _Rows:
    abstention = measures.abstention
    return {
        'test-absent: distinction of other objects from the demonstrated one, AUROC': {
            'model': None if abstention is None else abstention.auroc.get('presence')
        },
        'test-absent: pairs of the demonstrated object that are found': {
            'model': None if abstention is None else abstention.own.found
        },
    }


def _beside_chance(measures: ModelMeasures, name: str) -> dict[str, Cell]:
    """Format a measure of the model's peaks, and that of a random element."""
    chance = measures.predictors.get(RANDOM_ELEMENT)
    return {
        'model': getattr(measures.predictors[MODEL], name),
        'baseline': None if chance is None else getattr(chance, name),
    }
