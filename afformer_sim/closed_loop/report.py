# SPDX-License-Identifier: Apache-2.0
"""Measures of a closed-loop benchmark, by name, and their tables."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from afformer_core.offline.evaluation.report.report import EvaluationReport
from afformer_core.offline.reports.bootstrap import (
    bootstrap_mean,
    bootstrap_median,
    interval_note,
)
from afformer_core.offline.reports.tables import Cell, Table
from afformer_sim.bodies.element import ACTIONS
from afformer_sim.closed_loop.benchmark import ClosedLoopTrial, PointOutcomes
from afformer_sim.closed_loop.settings import ClosedLoopSettings
from afformer_sim.closed_loop.trial import AttemptVerdict

Measures = dict[str, Cell]

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
    **{name: COLUMNS[name] for name in COLUMNS if name not in ('trials', 'action_read')},
    'success_at_right_pixel': 'right pixel',
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
_ANGLES = (0, 15, 30, 45, math.inf)


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
    if not trials:
        raise ValueError('trials are empty; expected at least one')
    noise = settings.noise
    families, kinds = ({getattr(trial, name) for trial in trials} for name in ('family', 'kind'))
    everything = _measure(trials, noise)
    families_measured = _grouped(trials, lambda trial: trial.family, sorted(families), noise)
    actions = _grouped(trials, lambda trial: trial.action, ACTIONS, noise)
    by_kind = _grouped(trials, lambda trial: trial.kind, sorted(kinds), noise)
    by_viewpoint = _grouped(trials, _viewpoint, _VIEWPOINTS, noise)
    by_noise = {f'{100 * level:g} %': _measure(trials, level) for level in settings.levels}
    verdicts = _verdicts([trial.attempts[noise] for trial in trials])
    scenes = len({trial.scene for trial in trials})
    percent = f'{100 * noise:g} %'
    title, views = (
        f'Closed loop, with {percent} noise of depth',
        "By angle between the demonstration's and the robot's view",
    )
    groups = {'all': everything, **families_measured, **actions}
    return EvaluationReport(
        {**facts, 'scenes': scenes, 'trials': len(trials), 'noise of depth': percent},
        {
            'scenes': scenes,
            'all': everything,
            'by_family': families_measured,
            'by_action': actions,
            'by_kind': by_kind,
            'by_viewpoint': by_viewpoint,
            'by_noise': by_noise,
            'verdicts': verdicts,
        },
        (
            Table.of(title, {**COLUMNS, **REFERENCE_COLUMNS}, groups, _NOTES),
            Table.of('By kind of element', COLUMNS, by_kind),
            Table.of('By noise of depth, as a share of it', NOISE_COLUMNS, by_noise),
            Table.of(views, COLUMNS, by_viewpoint),
            Table.of('Outcomes, as shares of the trials', VERDICT_COLUMNS, verdicts),
        ),
    )


def _measure(trials: Sequence[ClosedLoopTrial], noise: float) -> Measures:
    """Measure a group of trials; the notes of the report explain the names."""
    scenes = [trial.scene for trial in trials]
    attempts = [trial.attempts[noise] for trial in trials]
    right = [
        attempt.told.first_contact == trial.element
        for trial, attempt in zip(trials, attempts, strict=True)
    ]
    errors = [
        1e3 * attempt.error if first and attempt.error is not None else math.nan
        for first, attempt in zip(right, attempts, strict=True)
    ]

    def share(values: Iterable[bool]) -> Cell:
        return bootstrap_mean([float(value) for value in values], scenes)

    return {
        'trials': len(trials),
        'success': share(attempt.read.done for attempt in attempts),
        'success_given_the_action': share(attempt.told.done for attempt in attempts),
        'right_element': share(right),
        'error_mm': bootstrap_median(errors, scenes),
        'action_read': share(trial.read == trial.action for trial in trials),
        'success_at_right_pixel': share(attempt.shown.done for attempt in attempts),
        'chance': sum(1 / trial.elements for trial in trials) / len(trials),
    }


def _verdicts(attempts: Sequence[PointOutcomes]) -> dict[str, Measures]:
    """Count the outcomes that occur, as shares of the trials."""
    shares: dict[str, Measures] = {
        verdict.value: {
            column: sum(getattr(attempt, name).verdict is verdict for attempt in attempts)
            / len(attempts)
            for column, name in zip(VERDICT_COLUMNS, ('read', 'told', 'shown'), strict=True)
        }
        for verdict in AttemptVerdict
    }
    return {name: row for name, row in shares.items() if any(row.values())}


def _viewpoint(trial: ClosedLoopTrial) -> str:
    """Name the range of the angle between the two views."""
    return next(
        name for name, high in zip(_VIEWPOINTS, _ANGLES[1:], strict=True) if trial.viewpoint < high
    )


_VIEWPOINTS = tuple(
    f'{low} to {high}°' if high < math.inf else f'from {low}°'
    for low, high in itertools.pairwise(_ANGLES)
)


def _grouped(
    trials: Sequence[ClosedLoopTrial],
    key: Callable[[ClosedLoopTrial], str],
    names: Iterable[str],
    noise: float,
) -> dict[str, Measures]:
    """Measure the groups that have trials, in the order of their names."""
    groups = {name: [trial for trial in trials if key(trial) == name] for name in names}
    return {name: _measure(chosen, noise) for name, chosen in groups.items() if chosen}
