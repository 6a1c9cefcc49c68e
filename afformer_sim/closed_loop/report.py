# SPDX-License-Identifier: Apache-2.0
"""Tables of a closed-loop benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from afformer_core.offline.evaluation.report.report import EvaluationReport
from afformer_core.offline.reports.bootstrap import interval_note
from afformer_core.offline.reports.tables import Cell, Table
from afformer_sim.closed_loop.benchmark import ClosedLoopTrial
from afformer_sim.closed_loop.measures import (
    TrialMeasures,
    VerdictShares,
    measure_closed_loop,
)
from afformer_sim.closed_loop.motion_measures import DirectionMeasures
from afformer_sim.closed_loop.settings import ClosedLoopSettings

COLUMNS = {
    'trials': 'trials',
    'success': 'success',
    'success_given_the_action': 'given the action',
    'right_element': 'right element',
    'error_mm': 'error, mm',
    'action_read': 'action read',
}
REFERENCE_COLUMNS = {'success_at_right_pixel': 'right pixel', 'chance': 'chance'}
NOISE_COLUMNS = {
    'success': 'success',
    'success_given_the_action': 'given the action',
    'right_element': 'right element',
    'error_mm': 'error, mm',
    'success_at_right_pixel': 'right pixel',
}
MOTION_COLUMNS = {
    'trials': 'trials',
    'known': 'known',
    'error': 'error, degrees',
    'sense': 'sense right',
}
VERDICT_COLUMNS = {
    'action_read': 'action read',
    'given_the_action': 'given the action',
    'right_pixel': 'right pixel',
}
_NOTES = (
    'success: share of trials in which the predicted action operates the right element, and no '
    'other. given the action: the same for the true action. right element: the finger '
    'touched the right element first. error: median distance of the published point from the '
    'middle of the front of the element, over those trials. action read: share of trials in '
    'which the model predicted the right action.',
    'right pixel: success of the true action with a peak in the middle of the front of the '
    'right element, or at the nearest visible point. chance: success at a random element with a '
    'perfect finger.',
    interval_note('scenes'),
)


_MOTION_NOTES = (
    'known: share of trials in which a direction is published. error: median angle to the true '
    'direction, or between the axes of rotations. sense right: share of the rotations with a '
    'known and right sense.',
)


def build_closed_loop_report(
    trials: Sequence[ClosedLoopTrial],
    settings: ClosedLoopSettings,
    facts: Mapping[str, str | int | float],
) -> EvaluationReport:
    """Build the report of a benchmark: its numbers and their tables.

    Args:
        trials: trials, at least one.
        settings: settings of the benchmark.
        facts: facts about the model, for the reader.

    Raises:
        ValueError: there is no trial.
    """
    measures = measure_closed_loop(trials, settings)
    counted: dict[str, str | int | float] = {
        'scenes': measures.scenes,
        'trials': measures.all.trials,
        'noise of depth': f'{100 * settings.noise:g} %',
    }
    groups = {'all': measures.all, **measures.by_family, **measures.by_action}
    title = f'Closed loop, with {100 * settings.noise:g} % noise of depth'
    views = "By angle between the demonstration's and the robot's view"
    return EvaluationReport(
        {**facts, **counted},
        measures,
        (
            Table.of(title, {**COLUMNS, **REFERENCE_COLUMNS}, _rows(groups), _NOTES),
            Table.of('By kind of element', COLUMNS, _rows(measures.by_kind)),
            Table.of(
                'By noise of depth, as a share of it', NOISE_COLUMNS, _rows(measures.by_noise)
            ),
            Table.of(views, COLUMNS, _rows(measures.by_viewpoint)),
            Table.of(
                'Outcomes, as shares of the trials',
                VERDICT_COLUMNS,
                _rows(measures.verdicts),
            ),
            *_motion_tables(measures.motions),
        ),
    )


def _motion_tables(motions: Mapping[str, DirectionMeasures]) -> tuple[Table, ...]:
    if not motions:
        return ()
    title = 'Direction of motion, where element and action are right'
    return (Table.of(title, MOTION_COLUMNS, _rows(motions), _MOTION_NOTES),)


def _rows(
    measures: Mapping[str, TrialMeasures | VerdictShares | DirectionMeasures],
) -> dict[str, dict[str, Cell]]:
    return {label: vars(group) for label, group in measures.items()}
