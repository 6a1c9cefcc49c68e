# SPDX-License-Identifier: Apache-2.0
"""Tables of a closed-loop benchmark."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from afformer_core.evaluation.bootstrap import Estimate, bootstrap_mean, bootstrap_median
from afformer_core.evaluation.report import Report
from afformer_core.evaluation.tables import Cell, Table
from afformer_core.sim.closed_loop.benchmark import Attempt, Trial
from afformer_core.sim.closed_loop.plan import ClosedLoopPlan
from afformer_core.sim.closed_loop.trial import Verdict
from afformer_core.sim.element import ACTIONS

_ANGLES = (0, 15, 30, 45, math.inf)
_COLUMNS = ('trials', 'success', 'given the action', 'right element', 'error, mm', 'action read')
_NOTES = (
    'success: the right element is operated afterwards, and none other, by the action that the '
    'model read. given the action: by the true action. right element: the finger touched it '
    'first. error: median distance of the published point from the middle of its front where it '
    'did. action read: share of actions that were read right.',
    "right pixel: success by the true action were the peak in the middle of the right element's "
    'front, or as near to it as that is seen. chance: of a random element, were the finger '
    'perfect.',
    'Intervals: 95 %, bootstrapped over scenes.',
)


def build_closed_loop_report(
    trials: Sequence[Trial], plan: ClosedLoopPlan, facts: Mapping[str, str | int | float]
) -> Report:
    """Tables of a benchmark's trials, by family, action, kind, noise, viewpoint and outcome.

    Args:
        trials: at least one.
        plan: that they are of.
        facts: of the model, for the reader.

    Raises:
        ValueError: there is no trial.
    """
    if not trials:
        raise ValueError('there is no trial to report')
    counted: dict[str, str | int | float] = {
        'scenes': len({trial.scene for trial in trials}),
        'trials': len(trials),
        'noise of depth': f'{100 * plan.noise:g} %',
    }
    success = _success(trials, plan.noise)
    told = _mean(trials, lambda trial: trial.attempts[plan.noise].told.done)
    return Report(
        {**facts, **counted},
        (
            _groups_table(trials, plan.noise),
            _kinds_table(trials, plan.noise),
            _noise_table(trials, plan.levels),
            _viewpoint_table(trials, plan.noise),
            _verdict_table(trials, plan.noise),
        ),
        {
            'success': success,
            'success_given_the_action': told,
            'error_mm': _error(trials, plan.noise),
        },
    )


def _groups_table(trials: Sequence[Trial], noise: float) -> Table:
    groups = {'all': trials}
    groups |= _grouped(trials, lambda trial: trial.family, sorted({t.family for t in trials}))
    groups |= _grouped(trials, lambda trial: trial.action, ACTIONS)
    rows = {
        name: [
            *_cells(chosen, noise),
            _shown(chosen, noise),
            sum(1 / trial.elements for trial in chosen) / len(chosen),
        ]
        for name, chosen in groups.items()
    }
    title = f'Closed loop, with {100 * noise:g} % noise of depth'
    return Table(title, (*_COLUMNS, 'right pixel', 'chance'), rows, _NOTES)


def _kinds_table(trials: Sequence[Trial], noise: float) -> Table:
    groups = _grouped(trials, lambda trial: trial.kind, sorted({t.kind for t in trials}))
    rows = {name: _cells(chosen, noise) for name, chosen in groups.items()}
    return Table('By kind of element', _COLUMNS, rows)


def _noise_table(trials: Sequence[Trial], levels: Iterable[float]) -> Table:
    rows = {
        f'{100 * noise:g} %': [*_cells(trials, noise)[1:5], _shown(trials, noise)]
        for noise in levels
    }
    return Table('By noise of depth, as a share of it', (*_COLUMNS[1:5], 'right pixel'), rows)


def _viewpoint_table(trials: Sequence[Trial], noise: float) -> Table:
    rows = {}
    for low, high in itertools.pairwise(_ANGLES):
        chosen = [trial for trial in trials if low <= trial.viewpoint < high]
        if chosen:
            name = f'{low} to {high}°' if high < math.inf else f'from {low}°'
            rows[name] = _cells(chosen, noise)
    return Table("By angle between the demonstration's and the robot's view", _COLUMNS, rows)


def _verdict_table(trials: Sequence[Trial], noise: float) -> Table:
    attempts = [trial.attempts[noise] for trial in trials]
    rows = {}
    for verdict in Verdict:
        shares = [
            sum(outcome.verdict is verdict for outcome in outcomes) / len(trials)
            for outcomes in (
                [attempt.read for attempt in attempts],
                [attempt.told for attempt in attempts],
                [attempt.shown for attempt in attempts],
            )
        ]
        if any(shares):
            rows[verdict.value] = shares
    columns = ('action read', 'given the action', 'right pixel')
    return Table('What came of it, as shares of the trials', columns, rows)


def _cells(trials: Sequence[Trial], noise: float) -> list[Cell]:
    """Of the columns `_COLUMNS`."""
    return [
        len(trials),
        _success(trials, noise),
        _mean(trials, lambda trial: trial.attempts[noise].told.done),
        _mean(trials, lambda trial: _touched_right(trial, trial.attempts[noise])),
        _error(trials, noise),
        _mean(trials, lambda trial: trial.read == trial.action),
    ]


def _success(trials: Sequence[Trial], noise: float) -> Estimate | None:
    return _mean(trials, lambda trial: trial.attempts[noise].read.done)


def _shown(trials: Sequence[Trial], noise: float) -> Estimate | None:
    return _mean(trials, lambda trial: trial.attempts[noise].shown.done)


def _error(trials: Sequence[Trial], noise: float) -> Estimate | None:
    """Median, millimetres."""
    errors = []
    for trial in trials:
        attempt = trial.attempts[noise]
        error = attempt.error if _touched_right(trial, attempt) else None
        errors.append(math.nan if error is None else 1e3 * error)
    return bootstrap_median(errors, [trial.scene for trial in trials])


def _touched_right(trial: Trial, attempt: Attempt) -> bool:
    return attempt.told.touched == trial.element


def _mean(trials: Sequence[Trial], measure: Callable[[Trial], bool]) -> Estimate | None:
    values = [float(measure(trial)) for trial in trials]
    return bootstrap_mean(values, [trial.scene for trial in trials])


def _grouped(
    trials: Sequence[Trial], key: Callable[[Trial], str], names: Iterable[str]
) -> dict[str, Sequence[Trial]]:
    groups = {name: [trial for trial in trials if key(trial) == name] for name in names}
    return {name: chosen for name, chosen in groups.items() if chosen}
