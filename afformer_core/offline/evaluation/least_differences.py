# SPDX-License-Identifier: Apache-2.0
"""The minimum relevant difference of each measure, and the table that distinguishes models by it.

The paired interval of many rows excludes 0 for any uniform difference, for example of weights
rounded to another number format, which no user would notice. A measure therefore distinguishes two
models only if its whole interval lies beyond the minimum difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from afformer_core.offline.evaluation.tables.estimates import MEASURES
from afformer_core.offline.reports.bootstrap import Estimate
from afformer_core.offline.reports.tables import Table

_LEAST_SHARE = 0.01
_LEAST = {measure.name: measure.least_difference for measure in MEASURES}
LEAST_KLD = _LEAST['kld']
# The share of rows if neither model is better.
_EVEN = {'better_rows': 0.5}


def least_difference(measure: str) -> float:
    """Return the minimum relevant difference of a measure, by name; 0.01 for shares."""
    return _LEAST.get(measure, _LEAST_SHARE)


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
    verdicts = (
        _verdict(first, model, difference, shown) for model, difference in differences.items()
    )
    columns = {name: name for name in differences}
    notes = (*verdicts, *notes, _least_difference_note(shown))
    return Table.of(f'Difference to {first}', columns, rows, notes)


def _verdict(
    first: str, other: str, differences: Mapping[str, Estimate | None], headings: Mapping[str, str]
) -> str:
    names = [heading for name, heading in headings.items() if tells_apart(name, differences[name])]
    if names:
        return f'{other} and {first} are distinguished by: {", ".join(names)}.'
    return f'No measure distinguishes {other} and {first}.'


def _least_difference_note(headings: Mapping[str, str]) -> str:
    by_value: dict[float, list[str]] = {}
    for measure, heading in headings.items():
        by_value.setdefault(least_difference(measure), []).append(heading)
    return f'Least differences that count: {"; ".join(_sorted(by_value))}.'


def _sorted(by_value: Mapping[float, Iterable[str]]) -> list[str]:
    return [f'{value:g} of {", ".join(names)}' for value, names in sorted(by_value.items())]
