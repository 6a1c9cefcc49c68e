# SPDX-License-Identifier: Apache-2.0
"""Tables of the trials of the simulated robot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from afformer_core.evaluation.report.report import EvaluationReport
from afformer_core.reports.bootstrap import Estimate, bootstrap_mean, interval_note
from afformer_core.reports.tables import Cell, Table
from afformer_ros.robot_trials.attempt import ArmAttempt
from afformer_ros.robot_trials.trials import RobotTrial

_COLUMNS = {
    'trials': 'trials',
    'unanswered': 'without an answer',
    'success': 'success',
    'right_pixel': 'right pixel',
    'random_element': 'random element',
}
_NOTES = (
    'success: share of the trials with an answer in which the arm, given the demonstrated action '
    'and the point of the grounding node, operates the right element and no other, by the state '
    'of the simulator. right pixel: the same at a perfect peak. random element: the same at the '
    'middle of a random element. without an answer: trials that are not counted, because the '
    'grounding node did not answer in time or refused, or the arm failed.',
    interval_note('scenes'),
)


@dataclass(frozen=True)
class RobotMeasures:
    """Success of a group of trials.

    Attributes:
        trials: number of trials.
        unanswered: number of trials whose attempt is not informative about the model.
        success: share of the other trials in which the model's attempt succeeded; None if there
            are none.
        right_pixel, random_element: shares of those attempts; None if none counts.
    """

    trials: int
    unanswered: int
    success: Estimate | None
    right_pixel: Estimate | None
    random_element: Estimate | None


@dataclass(frozen=True)
class RobotNumbers:
    """All numbers of the trials; groups by their names.

    Attributes:
        all: measures of all trials.
        by_action, by_family: of groups of trials.
        verdicts: number of the model's attempts by verdict (see `ArmAttempt`), most frequent
            first.
    """

    all: RobotMeasures
    by_action: Mapping[str, RobotMeasures]
    by_family: Mapping[str, RobotMeasures]
    verdicts: Mapping[str, int]


def build_robot_report(
    trials: Sequence[RobotTrial], facts: Mapping[str, str | int | float]
) -> EvaluationReport:
    """Build the report of at least one trial: its numbers and their tables."""
    numbers = RobotNumbers(
        all=_measure(trials),
        by_action=_by(trials, lambda trial: trial.action),
        by_family=_by(trials, lambda trial: trial.family),
        verdicts=dict(Counter(trial.model.verdict for trial in trials).most_common()),
    )
    groups = {'all': numbers.all, **numbers.by_family, **numbers.by_action}
    counts = {name: {'trials': count} for name, count in numbers.verdicts.items()}
    return EvaluationReport(
        dict(facts),
        numbers,
        (
            Table.of(
                'Demonstrations repeated by a simulated arm', _COLUMNS, _rows(groups), _NOTES
            ),
            Table.of('How the trials ended', {'trials': 'trials'}, counts),
        ),
    )


def _by(
    trials: Sequence[RobotTrial], key: Callable[[RobotTrial], str]
) -> dict[str, RobotMeasures]:
    names = sorted({key(trial) for trial in trials})
    return {name: _measure([trial for trial in trials if key(trial) == name]) for name in names}


def _measure(trials: Sequence[RobotTrial]) -> RobotMeasures:
    return RobotMeasures(
        len(trials),
        sum(not trial.model.answered for trial in trials),
        _success(trials, lambda trial: trial.model),
        _success(trials, lambda trial: trial.right_pixel),
        _success(trials, lambda trial: trial.random_element),
    )


def _success(
    trials: Sequence[RobotTrial], attempt: Callable[[RobotTrial], ArmAttempt | None]
) -> Estimate | None:
    made = [(trial.scene, attempt(trial)) for trial in trials]
    counted = [(scene, found.done) for scene, found in made if found and found.answered]
    if not counted:
        return None
    return bootstrap_mean([done for _, done in counted], [scene for scene, _ in counted], 0)


def _rows(measures: Mapping[str, RobotMeasures]) -> dict[str, dict[str, Cell]]:
    return {label: vars(group) for label, group in measures.items()}
