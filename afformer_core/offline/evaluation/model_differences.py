# SPDX-License-Identifier: Apache-2.0
"""Paired differences between several models and the first of them, on the same rows.

The paired interval of many rows excludes 0 for any uniform difference, for example of weights
rounded to another number format, which no user would notice. A measure therefore distinguishes two
models only if its whole interval lies beyond its minimum relevant difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.offline.evaluation.metrics import MEASURES, Estimates, RowScores
from afformer_core.offline.evaluation.pairs.actions import ActionHits
from afformer_core.offline.evaluation.pairs.pair_measures import right_buttons
from afformer_core.offline.evaluation.protocols import ProtocolRow
from afformer_core.offline.reports.bootstrap import Estimate, bootstrap_mean
from afformer_core.offline.reports.tables import Table

_LEAST_SHARE = 0.01
# The share of rows if neither model is better.
_EVEN = {'better_rows': 0.5}

RowId = tuple[str, int]
"""The sample, or of rows that pool samples the image, and the action."""


@dataclass(frozen=True)
class ModelRows:
    """Measures of one of several models.

    Attributes:
        protocol: name of the rows' protocol.
        rows: N rows, at least one.
        scores: scores of the rows.
        actions: measures of its actions.
        of_buttons: whether the choice of buttons is also measured.
    """

    protocol: str
    rows: Sequence[ProtocolRow]
    scores: RowScores
    actions: ActionHits
    of_buttons: bool = False

    @property
    def ids(self) -> tuple[RowId, ...]:
        """Identifiers of the rows, in order."""
        return tuple(
            (row.image if row.sample is None else row.sample.sample_id, row.action)
            for row in self.rows
        )


def measure_differences(models: Mapping[str, ModelRows], seed: int = 0) -> dict[str, Estimates]:
    """Compute the paired differences of all other models from the first, by name and measure.

    An interval is that of the mean difference over the rows, from resampling whole images (or
    scenes), so that both models use the same ones. Besides the measures of predictors, there are
    `better_rows`, the share of rows whose KLD is lower than the first model's, where rows that
    differ by less than the minimum difference count half; and `differs_in`, the names of the
    measures that distinguish both models, separated by commas.

    Args:
        models: models, at least two, by name.
        seed: seed of the draws.

    Raises:
        ValueError: two models were measured on different rows, or with different protocols.
    """
    (first, reference), *others = models.items()
    for name, other in others:
        _require_same_rows(first, reference, name, other)
    return {name: _difference(reference, other, seed) for name, other in others}


def _require_same_rows(first: str, reference: ModelRows, name: str, other: ModelRows) -> None:
    if reference.protocol != other.protocol:
        raise ValueError(
            f'{first} was measured by the protocol {reference.protocol} and {name} by '
            f'{other.protocol}; measure both by the same protocol'
        )
    actions = [
        (compared.actions.groups, compared.actions.actions) for compared in (reference, other)
    ]
    if reference.ids != other.ids or actions[0] != actions[1]:
        only = set(reference.ids) ^ set(other.ids)
        example = f', such as {min(only)[0]}' if only else ', in another order'
        raise ValueError(
            f'{first} was measured on {len(reference.rows)} rows and {name} on {len(other.rows)}, '
            f'of different pairs{example}; measure both on the same annotations'
        )


def _difference(reference: ModelRows, other: ModelRows, seed: int) -> Estimates:
    rows, groups = reference.rows, [row.group for row in reference.rows]
    before, after = reference.scores, other.scores
    least = least_difference('kld')
    kld = paired('kld', before, after)
    buttons = None
    if reference.of_buttons:
        right = right_buttons(after, rows) - right_buttons(before, rows)
        buttons = bootstrap_mean(right, groups, seed)
    better = (kld <= -least) + (np.abs(kld) < least) / 2
    estimates: dict[str, Estimate | None] = {
        'better_rows': bootstrap_mean(better, groups, seed),
        **{
            name: bootstrap_mean(paired(measure.score, before, after), groups, seed)
            for name, measure in MEASURES.items()
            if measure.estimate is bootstrap_mean
        },
        **other.actions.measure(seed, reference.actions),
        'which_button': buttons,
    }
    differing = [name for name, estimate in estimates.items() if tells_apart(name, estimate)]
    return {'rows': len(rows), **estimates, 'differs_in': ', '.join(differing)}


def paired(name: str, before: RowScores, after: RowScores) -> NDArray[np.float64]:
    """Subtract scores [N]; 0 if both are infinite."""
    first, second = before[name], after[name]
    return np.subtract(second, first, out=np.zeros_like(first), where=first != second)


def least_difference(measure: str) -> float:
    """Return the minimum relevant difference of a measure, by name; 0.01 for shares."""
    return MEASURES[measure].least_difference if measure in MEASURES else _LEAST_SHARE


def tells_apart(measure: str, difference: Estimate | None) -> bool:
    """Check whether the interval of a paired difference lies beyond the minimum difference."""
    if difference is None:
        return False
    even, least = _EVEN.get(measure, 0.0), least_difference(measure)
    return difference.low > even + least or difference.high < even - least


def difference_table(
    first: str,
    differences: Mapping[str, Mapping[str, Estimate | None]],
    headings: Mapping[str, str],
    notes: Sequence[str],
) -> Table:
    """Build the table of paired differences of other models from the first.

    Args:
        first: name of the first model.
        differences: differences of the others by name of the model, at least one, and measure.
        headings: headings of the measures; one that no model has gets no row.
        notes: sentences that explain the differences.
    """
    shown = {
        name: heading
        for name, heading in headings.items()
        if any(difference[name] is not None for difference in differences.values())
    }
    rows = {
        heading: {model: difference[name] for model, difference in differences.items()}
        for name, heading in shown.items()
    }
    verdicts = []
    for model, difference in differences.items():
        names = [title for name, title in shown.items() if tells_apart(name, difference[name])]
        verdicts.append(
            f'{model} and {first} are distinguished by: {", ".join(names)}.'
            if names
            else f'No measure distinguishes {model} and {first}.'
        )
    by_value: dict[float, list[str]] = {}
    for name, heading in shown.items():
        by_value.setdefault(least_difference(name), []).append(heading)
    least = [f'{value:g} of {", ".join(names)}' for value, names in sorted(by_value.items())]
    columns = {name: name for name in differences}
    notes = (*verdicts, *notes, f'Least differences that count: {"; ".join(least)}.')
    return Table.of(f'Difference to {first}', columns, rows, notes)
