# SPDX-License-Identifier: Apache-2.0
"""Tables of the trials of the simulated robot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from afformer_core.offline.evaluation.report.report import EvaluationReport
from afformer_core.offline.reports.bootstrap import Estimate, bootstrap_mean, interval_note
from afformer_core.offline.reports.tables import Cell, Table
from afformer_ros.robot_trials.trials import WRONG_ELEMENT, ArmAttempt, RobotTrial

_COLUMNS = {
    'trials': 'trials',
    'unanswered': 'without an answer',
    'success': 'success',
    'wrong_element': 'wrong element',
    'told_right': 'told right',
    'false_success': 'false success',
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
    'and sees what the simulator says. false success: share of the succeeded goals whose element '
    'is not operated. refused: share of the trials of something that is not in front of the robot '
    'in which the arm does not act; these count nowhere else. marked: share of all trials in '
    'which the planner was unsure, and the contact was marked for it. right pixel: success at a '
    'perfect peak. random element: the same at the middle of a random element. without an answer: '
    'trials that are not counted, because the grounding node did not answer in time or refused, '
    'or the arm failed.',
    interval_note('scenes'),
)


def build_robot_report(
    trials: Sequence[RobotTrial], facts: Mapping[str, str | int | float]
) -> EvaluationReport:
    """Build the report of at least one trial: its numbers, by name and group, and their tables."""
    everything = _measure(trials)
    by_action = _by(trials, lambda trial: trial.action)
    by_family = _by(trials, lambda trial: trial.family)
    by_presence = _by(trials, lambda trial: trial.presence)
    # The most frequent one is first.
    verdicts = dict(Counter(map(_verdict, trials)).most_common())
    presences = by_presence if len(by_presence) > 1 else {}
    groups = {'all': everything, **presences, **by_family, **by_action}
    counts = {name: {'trials': count} for name, count in verdicts.items()}
    return EvaluationReport(
        dict(facts),
        {
            'all': everything,
            'by_action': by_action,
            'by_family': by_family,
            'by_presence': by_presence,
            'by_attempts': _done_by_attempts(trials),
            'verdicts': verdicts,
        },
        (
            Table.of('Demonstrations repeated by a simulated arm', _COLUMNS, groups, _NOTES),
            Table.of('How the trials ended', {'trials': 'trials'}, counts),
        ),
    )


def _by(
    trials: Sequence[RobotTrial], key: Callable[[RobotTrial], str]
) -> dict[str, dict[str, Cell]]:
    names = sorted({key(trial) for trial in trials})
    return {name: _measure([trial for trial in trials if key(trial) == name]) for name in names}


def _verdict(trial: RobotTrial) -> str:
    if trial.present or not trial.model.answered:
        return trial.model.verdict
    return f'{trial.presence}: {"acted" if trial.model.acted else "refused"}'


def _done_by_attempts(trials: Sequence[RobotTrial]) -> dict[str, int]:
    done = Counter(trial.model.attempts for trial in trials if trial.present and trial.model.done)
    return {str(attempts): done[attempts] for attempts in sorted(done)}


def _measure(trials: Sequence[RobotTrial]) -> dict[str, Cell]:
    """Measure a group of trials by the names of `_COLUMNS`, which the notes explain."""
    present = [trial for trial in trials if trial.present]
    absent = [trial for trial in trials if not trial.present]
    return {
        'trials': len(trials),
        'unanswered': sum(not trial.model.answered for trial in trials),
        'success': _share(present, lambda made: made.done),
        'wrong_element': _share(present, lambda made: made.verdict == WRONG_ELEMENT),
        'told_right': _share(present, lambda made: made.told_right),
        'false_success': _share(trials, _is_false_success),
        'refused': _share(absent, lambda made: not made.acted),
        'marked': _share(trials, lambda made: made.marked),
        'right_pixel': _share(present, lambda made: made.done, 'right_pixel'),
        'random_element': _share(present, lambda made: made.done, 'random_element'),
    }


def _is_false_success(made: ArmAttempt) -> bool | None:
    return not made.done if made.succeeded else None


def _share(
    trials: Sequence[RobotTrial],
    value: Callable[[ArmAttempt], bool | None],
    attempt: str = 'model',
) -> Estimate | None:
    """Estimate the share of attempts with a value that is true; None if there is no value.

    Attempts that were not made, or without an answer, do not count.
    """
    made = [(trial, getattr(trial, attempt)) for trial in trials]
    values = [
        (trial, value(given)) for trial, given in made if given is not None and given.answered
    ]
    counted = [(trial, known) for trial, known in values if known is not None]
    if not counted:
        return None
    scenes = [(trial.seed, trial.scene) for trial, _ in counted]
    return bootstrap_mean([known for _, known in counted], scenes, 0)
