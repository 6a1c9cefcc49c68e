# SPDX-License-Identifier: Apache-2.0
"""The table of the benchmark: one row for each system."""

from __future__ import annotations

from collections.abc import Mapping

from afformer_core.offline.evaluation.metrics import Estimates
from afformer_core.offline.evaluation.parts.part_confidence import RIGHT_SHARE
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


def benchmark_table(measured: Estimates, labels: Mapping[str, str]) -> Table:
    """Build the table of the benchmark.

    Args:
        measured: numbers of `measure_all`.
        labels: labels of the systems and baselines by name, in the order of the rows.
    """
    readers = {} if measured['contacts'] is None else measured['contacts']['readers']
    rows: dict[str, dict[str, Cell]] = {}
    for name, label in labels.items():
        scores = measured['confidence'].get(name, {})
        preferred = [*(score for score in _CONFIDENCE if score in scores), *scores]
        answers = scores[preferred[0]] if preferred else {}
        rows[label] = {
            **measured['predictors'][name],
            'moment_error': readers.get(name, {}).get('moment_error'),
            'coverage': answers.get('coverage'),
            'right_of_answered': answers.get('right_of_answered'),
        }
    constant = measured['constant_action_accepted']
    rows[f'always "{measured["constant_action"]}"'] = {'action': constant}
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
