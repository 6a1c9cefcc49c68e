# SPDX-License-Identifier: Apache-2.0
"""The simulated benchmark: what is asked of a model on which split, and what it reaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from afformer_core.evaluation.bootstrap import Estimate
from afformer_core.evaluation.report import Report
from afformer_core.evaluation.tables import Cell, Table


@dataclass(frozen=True)
class Goal:
    """What is asked of a model on a split.

    Attributes:
        split: name of the annotation file without its ending.
        text: for people.
        metric: key in `Report.metrics`.
        bound: that must be reached.
        at_least: the bound is a lower one, else an upper one.
    """

    split: str
    text: str
    metric: str
    bound: float
    at_least: bool = True

    def is_reached(self, value: float) -> bool:
        """Whether a value is good enough."""
        return value >= self.bound if self.at_least else value <= self.bound


GOALS = (
    Goal(
        'test-seen',
        "KLD, as a share of the same action's mean map's",
        'kld_share_of_blind',
        0.25,
        False,
    ),
    Goal('test-seen', 'peak inside the demonstrated element', 'peak_inside', 0.78),
    Goal('test-seen', 'nearest element is the right one', 'nearest', 0.88),
    Goal('test-seen', 'action, balanced accuracy', 'balanced_accuracy', 0.85),
    Goal('test-seen', 'the same, video backwards', 'balanced_accuracy_reversed', 0.5, False),
    Goal(
        'test-seen',
        'the same, video frozen at the contact',
        'balanced_accuracy_frozen',
        0.5,
        False,
    ),
    Goal(
        'test-seen',
        "another element's video: peak still inside the first",
        'swapped_peak_inside',
        0.05,
        False,
    ),
    Goal(
        'test-seen', "another element's video: peak inside the other", 'swapped_peak_follows', 0.75
    ),
    Goal('test-unseen', 'peak inside the demonstrated element', 'peak_inside', 0.55),
    Goal('test-buttons', 'nearest button is the right one', 'nearest', 0.75),
    Goal('test-absent', 'told from a fitting video, AUROC', 'auroc_of_presence', 0.93),
    Goal('test-absent', 'fitting pairs that are found', 'own_found', 0.95),
)
SPLITS = tuple(dict.fromkeys(goal.split for goal in GOALS))


@dataclass(frozen=True)
class BenchmarkReport:
    """The reports of all splits by name, of one model."""

    reports: Mapping[str, Report]

    def __post_init__(self) -> None:
        missing = [split for split in SPLITS if split not in self.reports]
        if missing:
            raise ValueError(f'the benchmark lacks {", ".join(missing)}')

    def table(self) -> Table:
        """What is asked, what is reached, and what a predictor reaches that looks at nothing."""
        rows = {f'{goal.split}: {goal.text}': self._cells(goal) for goal in GOALS}
        pairs = ', '.join(f'{self.reports[split].facts["pairs"]} of {split}' for split in SPLITS)
        return Table(
            'Simulated benchmark',
            ('model', 'goal', 'reached', 'blind'),
            rows,
            (
                f'Pairs: {pairs}. Intervals: 95 %, bootstrapped over appliances. blind: an '
                'element at random, or the most frequent action.',
            ),
        )

    def _cells(self, goal: Goal) -> list[Cell]:
        report = self.reports[goal.split]
        cell = report.metrics.get(goal.metric)
        sign = 'at least' if goal.at_least else 'at most'
        asked = f'{sign} {goal.bound:g}'
        blind = report.blind.get(goal.metric)
        if not isinstance(cell, Estimate):
            return [None, asked, 'not measured', blind]
        return [cell, asked, 'yes' if goal.is_reached(cell.value) else 'no', blind]

    def to_markdown(self) -> str:
        """The table of goals, then each split's report."""
        parts = [self.table().to_markdown()]
        parts += [f'## {split}\n\n{self.reports[split].to_markdown()}' for split in SPLITS]
        return '\n\n'.join(parts)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types."""
        splits = {split: self.reports[split].to_json() for split in SPLITS}
        return {'goals': self.table().to_json(), 'splits': splits}
