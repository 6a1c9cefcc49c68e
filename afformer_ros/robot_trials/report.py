# SPDX-License-Identifier: Apache-2.0
"""Tables of the trials of the simulated robot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from afformer_core.offline.evaluation.report.report import EvaluationReport
from afformer_core.offline.reports.bootstrap import Estimate, bootstrap_mean, interval_note
from afformer_core.offline.reports.tables import Cell, Table
from afformer_ros.robot_trials.attempt import WRONG_ELEMENT, ArmAttempt
from afformer_ros.robot_trials.trials import RobotTrial

_COLUMNS = {
    'trials': 'trials',
    'unanswered': 'without an answer',
    'success': 'success',
    'wrong_element': 'wrong element',
    'told_right': 'told right',
    'refused': 'refused',
    'marked': 'marked',
    'right_pixel': 'right pixel',
    'random_element': 'random element',
}
_NOTES = (
    'success: share of the trials with an answer in which the arm, given the demonstrated action '
    'and the points of the grounding node, operates the right element and no other, by the state '
    'of the simulator. wrong element: share of the same trials in which it operates or first '
    'touches another one. told right: share of the trials in which the camera can see the result, '
    'and sees what the simulator says. refused: share of the trials of something that is not in '
    'front of the robot in which the arm does not act; these count nowhere else. marked: share of '
    'all trials in which the planner was unsure, and the contact was marked for it. right pixel: '
    'success at a perfect peak. random element: the same at the middle of a random element. '
    'without an answer: trials that are not counted, because the grounding node did not answer in '
    'time or refused, or the arm failed.',
    interval_note('scenes'),
)


@dataclass(frozen=True)
class RobotMeasures:
    """Success of a group of trials.

    Attributes:
        trials: number of trials.
        unanswered: number of trials whose attempt is not informative about the model.
        success: share of the other trials in which the model's operation succeeded; None if there
            are none.
        wrong_element: share of them in which it acted on another element.
        told_right: share of trials with a visible result in which the camera saw it right; None if
            there are none.
        refused: share of the trials of something absent in which the arm did not act; None if
            there are none.
        marked: share of all trials in which the contact was marked.
        right_pixel, random_element: shares of those attempts; None if none counts.
    """

    trials: int
    unanswered: int
    success: Estimate | None
    wrong_element: Estimate | None
    told_right: Estimate | None
    refused: Estimate | None
    marked: Estimate | None
    right_pixel: Estimate | None
    random_element: Estimate | None


@dataclass(frozen=True)
class RobotNumbers:
    """All numbers of the trials; groups by their names.

    Attributes:
        all: measures of all trials.
        by_action, by_family: of groups of trials.
        by_presence: of trials whose element is there, and of those where it is not.
        by_attempts: success by the number of attempts.
        verdicts: number of the model's operations by verdict (see `ArmAttempt`), most frequent
            first.
    """

    all: RobotMeasures
    by_action: Mapping[str, RobotMeasures]
    by_family: Mapping[str, RobotMeasures]
    by_presence: Mapping[str, RobotMeasures]
    by_attempts: Mapping[str, int]
    verdicts: Mapping[str, int]


def build_robot_report(
    trials: Sequence[RobotTrial], facts: Mapping[str, str | int | float]
) -> EvaluationReport:
    """Build the report of at least one trial: its numbers and their tables."""
    numbers = RobotNumbers(
        all=_measure(trials),
        by_action=_by(trials, lambda trial: trial.action),
        by_family=_by(trials, lambda trial: trial.family),
        by_presence=_by(trials, lambda trial: trial.presence),
        by_attempts=_done_by_attempts(trials),
        verdicts=dict(Counter(map(_verdict, trials)).most_common()),
    )
    presences = numbers.by_presence if len(numbers.by_presence) > 1 else {}
    groups = {'all': numbers.all, **presences, **numbers.by_family, **numbers.by_action}
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


def _verdict(trial: RobotTrial) -> str:
    if trial.present or not trial.model.answered:
        return trial.model.verdict
    return f'{trial.presence}: {"acted" if trial.model.acted else "refused"}'


def _done_by_attempts(trials: Sequence[RobotTrial]) -> dict[str, int]:
    done = Counter(trial.model.attempts for trial in trials if trial.present and trial.model.done)
    return {str(attempts): done[attempts] for attempts in sorted(done)}


def _measure(trials: Sequence[RobotTrial]) -> RobotMeasures:
    present = [trial for trial in trials if trial.present]
    absent = [trial for trial in trials if not trial.present]
    return RobotMeasures(
        len(trials),
        sum(not trial.model.answered for trial in trials),
        _success(present, lambda trial: trial.model),
        _share(present, lambda trial: _answer(trial.model, _on_another(trial.model))),
        _share(present, lambda trial: _answer(trial.model, trial.model.told_right)),
        _share(absent, lambda trial: _answer(trial.model, not trial.model.acted)),
        _share(trials, lambda trial: _answer(trial.model, trial.model.marked)),
        _success(present, lambda trial: trial.right_pixel),
        _success(present, lambda trial: trial.random_element),
    )


def _on_another(attempt: ArmAttempt) -> bool:
    return attempt.verdict == WRONG_ELEMENT


def _answer(attempt: ArmAttempt | None, value: bool | None) -> bool | None:  # noqa: FBT001
    """Return the value if the attempt was made and counts, or else None."""
    return value if attempt is not None and attempt.answered else None


def _success(
    trials: Sequence[RobotTrial], attempt: Callable[[RobotTrial], ArmAttempt | None]
) -> Estimate | None:
    def done(trial: RobotTrial) -> bool | None:
        made = attempt(trial)
        return None if made is None else _answer(made, made.done)

    return _share(trials, done)


def _share(
    trials: Sequence[RobotTrial], value: Callable[[RobotTrial], bool | None]
) -> Estimate | None:
    """Estimate the share of trials with a value that is true; None if there is no value."""
    values = [(trial, value(trial)) for trial in trials]
    counted = [(trial, known) for trial, known in values if known is not None]
    if not counted:
        return None
    scenes = [(trial.seed, trial.scene) for trial, _ in counted]
    return bootstrap_mean([known for _, known in counted], scenes, 0)


def _rows(measures: Mapping[str, RobotMeasures]) -> dict[str, dict[str, Cell]]:
    return {label: vars(group) for label, group in measures.items()}
