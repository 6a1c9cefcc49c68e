# SPDX-License-Identifier: Apache-2.0
"""The report of baselines that ignore the image, or use the annotations, on a dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from afformer_core.errors import DatasetError
from afformer_core.evaluation.baselines import (
    CrossValidatedMeanMaps,
    ImageOracle,
    center_bias,
    centred_gaussian,
    uniform,
)
from afformer_core.evaluation.metrics.scoring import score
from afformer_core.evaluation.pairs.comparison import Comparison
from afformer_core.evaluation.protocols.buttons_protocol import ButtonsProtocol
from afformer_core.evaluation.protocols.protocols import EvaluationProtocol, Predictor, ProtocolRow
from afformer_core.evaluation.report.qualitative_examples import MeasuredRows
from afformer_core.evaluation.report.report import EvaluationReport
from afformer_core.evaluation.tables.accuracy import (
    RANDOM_ELEMENT,
    action_table,
    measure_actions,
    measure_predictors,
    peak_table,
)
from afformer_core.evaluation.tables.estimates import PEAK_NOTE, PredictorMeasures, RowMeasures
from afformer_core.evaluation.tables.which_button import button_table
from afformer_core.parallel.engine import ParallelEngine
from afformer_core.parallel.local_engine import ONE_PROCESS

_Make = Callable[[EvaluationProtocol, Sequence[ProtocolRow], float], Predictor]
_PREDICTORS: dict[str, _Make] = {
    'uniform': lambda protocol, rows, sigma: uniform(protocol.size),
    'gaussian': lambda protocol, rows, sigma: centred_gaussian(protocol.size, sigma),
    'center-bias': lambda protocol, rows, sigma: center_bias(protocol),
    'action-prior': lambda protocol, rows, sigma: CrossValidatedMeanMaps(protocol, rows),
    'image-oracle': lambda protocol, rows, sigma: ImageOracle(protocol, rows),
}
BASELINE_PREDICTORS = tuple(_PREDICTORS)


@dataclass(frozen=True)
class BaselineMeasures:
    """All numbers of the evaluation of one baseline predictor.

    Attributes:
        rows: rows of the protocol.
        predictors: measures of the predictor and, if the elements are known, of a random element,
            by name.
        by_action: its rows of each action, by name.
    """

    rows: int
    predictors: Mapping[str, PredictorMeasures]
    by_action: Mapping[str, RowMeasures]


def measure_baseline(
    protocol: EvaluationProtocol,
    rows: Sequence[ProtocolRow],
    predictor: str,
    action_names: Sequence[str],
    sigma: float = 0.3,
    seed: int = 0,
    engine: ParallelEngine = ONE_PROCESS,
) -> MeasuredRows:
    """Measure one predictor.

    Args:
        protocol: protocol of the rows.
        rows: rows, at least one.
        predictor: one of `BASELINE_PREDICTORS`. The action prior comes from the other four fifths
            of the images; the image oracle is measured where an image has other rows.
        action_names: names of the actions of the dataset.
        sigma: sigma of `gaussian`, as a share of each side.
        seed: seed of the jitter.
        engine: engine that measures the rows.

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
    scores = score(protocol, rows, {predictor: made}, seed, engine=engine)[predictor]
    return MeasuredRows(protocol, rows, scores, made, action_names)


def build_baseline_report(
    measured: MeasuredRows,
    predictor: str,
    facts: Mapping[str, str | int | float],
    seed: int = 0,
) -> EvaluationReport:
    """Build the report of one predictor, for all rows and for those of each action.

    Args:
        measured: result of `measure_baseline`.
        predictor: name of the predictor.
        facts: facts that are shown first.
        seed: seed of the bootstrap.
    """
    protocol, rows, scores = measured.protocol, measured.rows, measured.scores
    of_buttons = isinstance(protocol, ButtonsProtocol)
    comparison = Comparison(protocol.name, tuple(rows), {predictor: scores}, of_buttons)
    measures = BaselineMeasures(
        rows=len(rows),
        predictors=measure_predictors(comparison, {}, seed),
        by_action=measure_actions(rows, scores, measured.action_names, seed),
    )
    evaluated = measures.predictors[predictor]
    labels = {predictor: predictor, RANDOM_ELEMENT: 'an element at random'}
    title, notes = f'Predictor {predictor}', (PEAK_NOTE,)
    tables = [action_table(title, protocol.name, evaluated, measures.by_action, notes)]
    if of_buttons:
        tables.append(
            button_table(
                rows, measures.predictors, {**labels, RANDOM_ELEMENT: 'a button at random'}
            )
        )
    if comparison.has_elements:
        tables.append(peak_table(measures.predictors, labels))
    counted: dict[str, str | int | float] = {
        **facts,
        'predictor': predictor,
        'protocol': protocol.name,
        'rows': len(rows),
    }
    return EvaluationReport(counted, measures, tuple(tables), evaluated)
