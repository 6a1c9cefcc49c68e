# SPDX-License-Identifier: Apache-2.0
"""The table of an experiment, read from the files of its evaluations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from afformer_core.evaluation.bootstrap import Estimate
from afformer_core.evaluation.tables import Cell, Table
from afformer_core.maskahand.experiment import Run

_MEASURES = {'kld': 'KLD', 'nearest': 'nearest element', 'peak_inside': 'peak inside'}
_BLIND = "same action's mean map"


def experiment_table(runs: Sequence[Run]) -> Table:
    """What each model of an experiment reaches, and what a predictor does that looks at nothing.

    Args:
        runs: whose evaluations have been written.
    """
    results = {run.label: json.loads(run.result.read_text(encoding='utf-8')) for run in runs}
    first = next(iter(results.values()))
    rows: dict[str, Sequence[Cell]] = {_BLIND: [_cell(first, 'blind', name) for name in _MEASURES]}
    for label, result in results.items():
        rows[label] = [_cell(result, 'metrics', name) for name in _MEASURES]
    return Table(
        'MaskAHand on simulated things',
        tuple(_MEASURES.values()),
        rows,
        (
            f'{first["pairs"]} pairs of {first["appliances or images"]} things that no training '
            'shows. Intervals: 95 %, bootstrapped over things.',
        ),
    )


def _cell(result: Mapping[str, Any], part: str, name: str) -> Cell:
    value = result[part].get(name)
    interval = result['intervals' if part == 'metrics' else 'blind_intervals'].get(name)
    if value is None or interval is None:
        return None if value is None else float(value)
    return Estimate(float(value), *map(float, interval))
