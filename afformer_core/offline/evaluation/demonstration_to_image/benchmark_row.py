# SPDX-License-Identifier: Apache-2.0
"""The table of the benchmark: one row for each system."""

from __future__ import annotations

from collections.abc import Mapping

from afformer_core.offline.evaluation.parts.part_confidence import RIGHT_SHARE, ConfidenceMeasures
from afformer_core.offline.evaluation.parts.part_measures import PartsMeasured
from afformer_core.offline.reports.bootstrap import interval_note
from afformer_core.offline.reports.tables import Cell, Table

_COLUMNS = {
    'inside': 'inside a part',
    'within_size': 'within one size',
    'near': 'within 5 %',
    'other_inside': 'inside, another place',
    'nearby_inside': 'inside, another thing',
    'auroc': 'presence AUROC',
    'contact_first': 'contact within 5 %',
    'moment_error': 'moment, seconds off',
    'action': 'action accepted',
    'coverage': 'answered',
    'right_of_answered': 'right of these',
}
# Scores of confidence by which the answers of a system are ordered, the preferred one first.
_CONFIDENCE = ('certainty', 'confidence')


def benchmark_table(measured: PartsMeasured, labels: Mapping[str, str]) -> Table:
    """Build the table of the benchmark.

    Args:
        measured: the numbers.
        labels: labels of the systems and baselines by name, in the order of the rows.
    """
    contacts = {} if measured.contacts is None else measured.contacts.readers
    rows: dict[str, dict[str, Cell]] = {}
    for name, label in labels.items():
        reader = contacts.get(name)
        rows[label] = {
            **vars(measured.predictors[name]),
            'moment_error': None if reader is None else reader.moment_error,
            **_answers(measured.confidence.get(name, {})),
        }
    constant = measured.constant_action_accepted
    rows[f'always "{measured.constant_action}"'] = {'action': constant}
    return Table.of(
        'Demonstration to image',
        _COLUMNS,
        rows,
        (
            'inside, another place or thing: the best point is inside the parts that the own '
            'video shows, although one of another source, or another one of the same source, was '
            'given; lower is better. contact: in the first frame. moment: median, on clips with '
            'marked contacts. answered: the confidence reaches a threshold that was chosen on '
            f'other sources for {100 * RIGHT_SHARE:g} % right. {interval_note("source videos")}',
        ),
    )


def _answers(scores: Mapping[str, ConfidenceMeasures]) -> dict[str, Cell]:
    names = [*(name for name in _CONFIDENCE if name in scores), *scores]
    chosen = scores[names[0]] if names else None
    return {name: getattr(chosen, name, None) for name in ('coverage', 'right_of_answered')}
