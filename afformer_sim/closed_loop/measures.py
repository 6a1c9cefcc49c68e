# SPDX-License-Identifier: Apache-2.0
"""Measures of a closed-loop benchmark, by name."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from afformer_core.offline.reports.bootstrap import Estimate, bootstrap_mean, bootstrap_median
from afformer_sim.bodies.element import ACTIONS
from afformer_sim.closed_loop.benchmark import ClosedLoopTrial, PointOutcomes
from afformer_sim.closed_loop.motion_measures import DirectionMeasures, measure_motions
from afformer_sim.closed_loop.settings import ClosedLoopSettings
from afformer_sim.closed_loop.trial import AttemptVerdict

_ANGLES = (0, 15, 30, 45, math.inf)


@dataclass(frozen=True)
class TrialMeasures:
    """Measures of a group of trials.

    Attributes:
        trials: number of trials.
        success: share of trials in which the predicted action operates the right element, and no
            other.
        success_given_the_action: the same for the true action.
        right_element: share of trials in which the finger touched the right element first.
        error_mm: median distance of the published point from the middle of the right element's
            front, over the trials in which the finger touched that element first.
        action_read: share of trials in which the model read the right action.
        success_at_right_pixel: success of the true action if the peak were in the middle of the
            right element's front.
        chance: success of a random element with a perfect finger.
    """

    trials: int
    success: Estimate | None
    success_given_the_action: Estimate | None
    right_element: Estimate | None
    error_mm: Estimate | None
    action_read: Estimate | None
    success_at_right_pixel: Estimate | None
    chance: float


@dataclass(frozen=True)
class VerdictShares:
    """Frequency of one outcome, as shares of the trials.

    Attributes:
        action_read: share for the action that the model read.
        given_the_action: share for the true action.
        right_pixel: share for the true action at the right pixel.
    """

    action_read: float
    given_the_action: float
    right_pixel: float


@dataclass(frozen=True)
class ClosedLoopMeasures:
    """All numbers of a benchmark; groups by their names.

    Attributes:
        scenes: number of scenes.
        all: measures of all trials.
        by_family, by_action, by_kind, by_viewpoint: measures of groups of trials.
        by_noise: measures of all trials, by noise of depth.
        verdicts: shares of the outcomes that occur.
        motions: measures of the directions of motion, by action.
    """

    scenes: int
    all: TrialMeasures
    by_family: Mapping[str, TrialMeasures]
    by_action: Mapping[str, TrialMeasures]
    by_kind: Mapping[str, TrialMeasures]
    by_viewpoint: Mapping[str, TrialMeasures]
    by_noise: Mapping[str, TrialMeasures]
    verdicts: Mapping[str, VerdictShares]
    motions: Mapping[str, DirectionMeasures]


def measure_closed_loop(
    trials: Sequence[ClosedLoopTrial], settings: ClosedLoopSettings
) -> ClosedLoopMeasures:
    """Measure a benchmark's trials, by family, action, kind, viewpoint, noise and outcome.

    Args:
        trials: trials, at least one.
        settings: settings of the benchmark.

    Raises:
        ValueError: there is no trial.
    """
    if not trials:
        raise ValueError('trials are empty; expected at least one')
    noise = settings.noise
    families, kinds = ({getattr(trial, name) for trial in trials} for name in ('family', 'kind'))
    return ClosedLoopMeasures(
        scenes=len({trial.scene for trial in trials}),
        all=_measure(trials, noise),
        by_family=_grouped(trials, lambda trial: trial.family, sorted(families), noise),
        by_action=_grouped(trials, lambda trial: trial.action, ACTIONS, noise),
        by_kind=_grouped(trials, lambda trial: trial.kind, sorted(kinds), noise),
        by_viewpoint=_grouped(trials, _viewpoint, _VIEWPOINTS, noise),
        by_noise={f'{100 * level:g} %': _measure(trials, level) for level in settings.levels},
        verdicts=_verdicts(trials, noise),
        motions=measure_motions(trials, noise),
    )


def _measure(trials: Sequence[ClosedLoopTrial], noise: float) -> TrialMeasures:
    return TrialMeasures(
        trials=len(trials),
        success=_mean(trials, lambda trial: trial.attempts[noise].read.done),
        success_given_the_action=_mean(trials, lambda trial: trial.attempts[noise].told.done),
        right_element=_mean(
            trials, lambda trial: _first_contact_is_right(trial, trial.attempts[noise])
        ),
        error_mm=_error(trials, noise),
        action_read=_mean(trials, lambda trial: trial.read == trial.action),
        success_at_right_pixel=_mean(trials, lambda trial: trial.attempts[noise].shown.done),
        chance=sum(1 / trial.elements for trial in trials) / len(trials),
    )


def _viewpoint(trial: ClosedLoopTrial) -> str:
    """Name the range of the angle between the two views."""
    low, high = next(
        pair for pair in itertools.pairwise(_ANGLES) if pair[0] <= trial.viewpoint < pair[1]
    )
    return _viewpoint_name(low, high)


def _viewpoint_name(low: float, high: float) -> str:
    return f'{low} to {high}°' if high < math.inf else f'from {low}°'


_VIEWPOINTS = tuple(_viewpoint_name(*pair) for pair in itertools.pairwise(_ANGLES))


def _verdicts(trials: Sequence[ClosedLoopTrial], noise: float) -> dict[str, VerdictShares]:
    attempts = [trial.attempts[noise] for trial in trials]
    read = Counter(attempt.read.verdict for attempt in attempts)
    told = Counter(attempt.told.verdict for attempt in attempts)
    shown = Counter(attempt.shown.verdict for attempt in attempts)
    count = len(trials)
    return {
        verdict.value: VerdictShares(
            read[verdict] / count, told[verdict] / count, shown[verdict] / count
        )
        for verdict in AttemptVerdict
        if read[verdict] or told[verdict] or shown[verdict]
    }


def _error(trials: Sequence[ClosedLoopTrial], noise: float) -> Estimate | None:
    """Compute the median error in millimetres."""
    errors = []
    for trial in trials:
        attempt = trial.attempts[noise]
        error = attempt.error if _first_contact_is_right(trial, attempt) else None
        errors.append(math.nan if error is None else 1e3 * error)
    return bootstrap_median(errors, [trial.scene for trial in trials])


def _first_contact_is_right(trial: ClosedLoopTrial, attempt: PointOutcomes) -> bool:
    return attempt.told.first_contact == trial.element


def _mean(
    trials: Sequence[ClosedLoopTrial], measure: Callable[[ClosedLoopTrial], bool]
) -> Estimate | None:
    values = [float(measure(trial)) for trial in trials]
    return bootstrap_mean(values, [trial.scene for trial in trials])


def _grouped(
    trials: Sequence[ClosedLoopTrial],
    key: Callable[[ClosedLoopTrial], str],
    names: Iterable[str],
    noise: float,
) -> dict[str, TrialMeasures]:
    """Measure the groups that have trials, in the order of their names."""
    groups = {name: [trial for trial in trials if key(trial) == name] for name in names}
    return {name: _measure(chosen, noise) for name, chosen in groups.items() if chosen}
