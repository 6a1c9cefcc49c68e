# SPDX-License-Identifier: Apache-2.0
"""Predictors that look at nothing, or at the answer, measured on the annotations of a dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from afformer_core.errors import DatasetError
from afformer_core.evaluation.bootstrap import Estimate, bootstrap_mean
from afformer_core.evaluation.priors import (
    CrossValidatedMeanMaps,
    ImageOracle,
    Predictor,
    center_bias,
    centred_gaussian,
    uniform,
)
from afformer_core.evaluation.protocols import EvaluationProtocol, Row
from afformer_core.evaluation.report import Report
from afformer_core.evaluation.scoring import RowScores, score
from afformer_core.evaluation.tables import Cell, Table

_Make = Callable[[EvaluationProtocol, Sequence[Row], float], Predictor]
_PREDICTORS: dict[str, _Make] = {
    'uniform': lambda protocol, rows, sigma: uniform(protocol.size),
    'gaussian': lambda protocol, rows, sigma: centred_gaussian(protocol.size, sigma),
    'center-bias': lambda protocol, rows, sigma: center_bias(protocol),
    'action-prior': lambda protocol, rows, sigma: CrossValidatedMeanMaps(protocol, rows),
    'image-oracle': lambda protocol, rows, sigma: ImageOracle(protocol, rows),
}
BLIND_PREDICTORS = tuple(_PREDICTORS)
_MEASURES = {'kld': 'KLD', 'sim': 'SIM', 'auc_j': 'AUC-J'}


def build_blind_report(
    protocol: EvaluationProtocol,
    rows: Sequence[Row],
    predictor: str,
    action_names: Sequence[str],
    facts: Mapping[str, str | int | float],
    sigma: float = 0.3,
    seed: int = 0,
    processes: int = 1,
) -> Report:
    """Measures of one predictor over all rows and over those of each action.

    Args:
        protocol: of the rows.
        rows: at least one.
        predictor: one of `BLIND_PREDICTORS`. The action prior comes from the other four fifths
            of the images; the image oracle is measured where an image has other rows.
        action_names: of the dataset.
        facts: shown first.
        sigma: of `gaussian`, as a share of each side.
        seed: of jitter and bootstrap.
        processes: that share the rows.

    Raises:
        DatasetError: there is no row.
    """
    if predictor == 'image-oracle':
        rows = ImageOracle.rows_with_others(rows)
    if not rows:
        raise DatasetError(
            'the annotations hold no row to be measured, or for the image oracle no image with '
            'two rows; check the file'
        )
    made = _PREDICTORS[predictor](protocol, rows, sigma)
    scores = score(protocol, rows, {predictor: made}, seed, processes=processes)[predictor]
    overall = _estimates(scores, rows, np.ones(len(rows), bool), seed)
    cells: dict[str, list[Cell]] = {'all': [len(rows), *overall.values()]}
    actions = np.array([row.action for row in rows])
    for action in sorted(set(actions.tolist())):
        of_action = actions == action
        estimates = _estimates(scores, rows, of_action, seed)
        cells[action_names[action]] = [int(of_action.sum()), *estimates.values()]
    notes = (
        f'Protocol "{protocol.name}"; lower is better for KLD alone.',
        'Intervals: 95 %, bootstrapped over appliances (images, where the data names none).',
    )
    table = Table(f'Predictor {predictor}', ('rows', *_MEASURES.values()), cells, notes)
    counted: dict[str, str | int | float] = {
        **facts,
        'predictor': predictor,
        'protocol': protocol.name,
        'rows': len(rows),
    }
    return Report(counted, (table,), overall)


def _estimates(
    scores: RowScores, rows: Sequence[Row], chosen: np.ndarray, seed: int
) -> dict[str, Estimate | None]:
    groups = [row.group for row, taken in zip(rows, chosen, strict=True) if taken]
    values = (scores.kld, scores.sim, scores.auc_judd)
    return {
        name: bootstrap_mean(each[chosen], groups, seed)
        for name, each in zip(_MEASURES, values, strict=True)
    }
