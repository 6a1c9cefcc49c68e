# SPDX-License-Identifier: Apache-2.0
"""The simulated benchmark: the measures of a model on all of its splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from afformer_core.offline.evaluation.metrics import Estimates
from afformer_core.offline.evaluation.pairs.pair_measures import (
    CONSTANT_ACTION,
    MODEL,
    RANDOM_ELEMENT,
)
from afformer_core.offline.evaluation.report.report import SCHEMA, EvaluationReport
from afformer_core.offline.reports.bootstrap import interval_note
from afformer_core.offline.reports.tables import Cell, Table

SPLITS = ('test-seen', 'test-unseen', 'test-buttons', 'test-absent')


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
        seen, absent = measures['test-seen'], measures['test-absent']['abstention'] or {}
        use = (seen['demonstration_use'] or {}).get('hard_negative', {})
        action = 'balanced_accuracy'
        rows: dict[str, tuple[Cell, Cell]] = {
            "test-seen: KLD, as a share of the same action's mean map's": (
                seen['kld_share_of_baseline'],
                None,
            ),
            'test-seen: peak inside the demonstrated element': _of_chance(seen, 'peak_inside'),
            'test-seen: nearest element is the right one': _of_chance(seen, 'nearest'),
            'test-seen: action, balanced accuracy': (
                seen['predictors'][MODEL][action],
                seen['predictors'][CONSTANT_ACTION][action],
            ),
            "test-seen: another element's video: peak still inside the first": (
                use.get('peak_in_own_region'),
                None,
            ),
            "test-seen: another element's video: peak inside the other": (
                use.get('peak_in_other_region'),
                None,
            ),
            'test-unseen: peak inside the demonstrated element': _of_chance(
                measures['test-unseen'], 'peak_inside'
            ),
            'test-buttons: nearest button is the right one': _of_chance(
                measures['test-buttons'], 'nearest'
            ),
            'test-absent: distinction of other objects from the demonstrated one, AUROC': (
                absent.get('auroc', {}).get('presence'),
                None,
            ),
            'test-absent: pairs of the demonstrated object that are found': (
                absent.get('own', {}).get('found'),
                None,
            ),
        }
        pairs = ', '.join(f'{measures[split]["pairs"]} of {split}' for split in SPLITS)
        note = (
            f'Pairs: {pairs}. {interval_note("scenes")} baseline: an element at random, '
            'or the most frequent action.'
        )
        return Table('Simulated benchmark', ('model', 'baseline'), rows, (note,))

    def to_markdown(self) -> str:
        """Write the table of all splits, then each split's report."""
        parts = [self.table().to_markdown()]
        parts += [f'## {split}\n\n{self.reports[split].to_markdown()}' for split in SPLITS]
        return '\n\n'.join(parts)

    def to_json(self) -> dict[str, Any]:
        """Return schema, and the reports of the splits by name, as plain JSON types."""
        splits = {split: self.reports[split].to_json() for split in SPLITS}
        return {'schema': SCHEMA, 'splits': splits}


def _of_chance(measures: Estimates, name: str) -> tuple[Cell, Cell]:
    """Return a measure of the model's peaks, and that of a random element."""
    predictors = measures['predictors']
    return predictors[MODEL][name], predictors.get(RANDOM_ELEMENT, {}).get(name)
