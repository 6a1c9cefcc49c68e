# SPDX-License-Identifier: Apache-2.0
"""Operations of the arm in a trial, and how they ended."""

from __future__ import annotations

from dataclasses import dataclass

from afformer_core.errors import AfformerError
from afformer_ros.action import OperateElement
from afformer_ros.msg import OperationAttempt
from afformer_ros.planner.arm_client import ArmError
from afformer_ros.planner.contact import BlockedError, UnreachableError
from afformer_sim.closed_loop.trial import AttemptVerdict

_Result = OperateElement.Result

# How the trials end, if the arm has not acted; the element may be out of the view of the camera.
NOT_FOUND, UNREACHABLE, BLOCKED = 'not found', 'out of reach', 'stopped on the way'
HIDDEN = 'element hidden'
# The arm has acted, and the simulator judges.
DONE, NOT_DONE, WRONG_ELEMENT = 'done', 'not done', 'wrong element'
# Another part of the graph failed, which is not informative about the model or the skill.
NO_ANSWER, REFUSED, ARM_FAILED = 'no answer', 'refused', 'arm failed'
UNANSWERED = (NO_ANSWER, REFUSED, ARM_FAILED)

_WITHOUT_ACTING = {
    _Result.NOT_FOUND: NOT_FOUND,
    _Result.UNSURE: 'unsure',
    _Result.UNREACHABLE: UNREACHABLE,
    _Result.BLOCKED: BLOCKED,
    _Result.NO_ANSWER: NO_ANSWER,
    _Result.REFUSED: REFUSED,
    _Result.ARM_FAILED: ARM_FAILED,
    _Result.STOPPED: ARM_FAILED,
    _Result.CANCELED: ARM_FAILED,
}
_JUDGED = {
    AttemptVerdict.DONE: DONE,
    AttemptVerdict.NOT_DONE: NOT_DONE,
    AttemptVerdict.WRONG_ELEMENT: WRONG_ELEMENT,
    AttemptVerdict.FIXED_PART: 'missed',
    AttemptVerdict.NOTHING: 'missed',
}
# Reasons for which no answer is an end of the whole operation, even after an attempt.
_FAILURES = (_Result.NO_ANSWER, _Result.ARM_FAILED, _Result.STOPPED, _Result.CANCELED)


@dataclass(frozen=True)
class ArmAttempt:
    """An operation of the arm, of one or more attempts.

    Attributes:
        verdict: one of the constants of this module.
        said: message of the planner.
        action: action that was carried out; empty if there was none.
        attempts: number of times that the arm acted.
        seen: whether the camera saw the action done; None if it could not.
        told: a sentence for each time that the arm acted.
        marked: whether the planner was unsure at first, and the contact was marked for it.
    """

    verdict: str
    said: str
    action: str = ''
    attempts: int = 0
    seen: bool | None = None
    told: tuple[str, ...] = ()
    marked: bool = False

    @property
    def done(self) -> bool:
        """Whether the right element was operated, and no other."""
        return self.verdict == DONE

    @property
    def acted(self) -> bool:
        """Whether the arm has acted."""
        return self.attempts > 0

    @property
    def answered(self) -> bool:
        """Whether it is informative about the model and the skill, so that it counts."""
        return self.verdict not in UNANSWERED

    @property
    def told_right(self) -> bool | None:
        """Whether the camera saw what the simulator says; None if it could not see the result."""
        return None if self.seen is None else self.seen == self.done


def judged_operation(result: OperateElement.Result, verdict: str, action: str) -> ArmAttempt:
    """Judge an operation.

    Args:
        result: result of the planner.
        verdict: verdict of the simulator, a value of `AttemptVerdict`.
        action: action that was demonstrated.
    """
    attempts = result.attempts
    if not attempts:
        return ArmAttempt(_WITHOUT_ACTING[result.outcome], result.message)
    last = attempts[-1]
    seen = {
        OperationAttempt.DONE: True,
        OperationAttempt.NOT_DONE: False,
        OperationAttempt.OTHER_CHANGED: False,
    }.get(last.seen)
    end = _JUDGED[AttemptVerdict(verdict)]
    if end != DONE and result.outcome in _FAILURES:
        end = _WITHOUT_ACTING[result.outcome]
    elif end == NOT_DONE and last.action != action:
        end = 'wrong action'
    told = tuple(
        ': '.join(filter(None, (attempt.way, f'{attempt.felt_text}; {attempt.seen_text}')))
        for attempt in attempts
    )
    return ArmAttempt(end, result.message, last.action, len(attempts), seen, told)


def judged_action(verdict: str, said: str, action: str) -> ArmAttempt:
    """Judge an action at a given point; see `judged_operation`."""
    return ArmAttempt(_JUDGED[AttemptVerdict(verdict)], said, action, 1)


def failed_action(error: AfformerError) -> ArmAttempt:
    """Return the attempt at a given point that ended with an error of the planner.

    Raises:
        AfformerError: the error itself, if it ends the trials.
    """
    verdicts = {BlockedError: BLOCKED, UnreachableError: UNREACHABLE, ArmError: ARM_FAILED}
    for kind, verdict in verdicts.items():
        if isinstance(error, kind):
            return ArmAttempt(verdict, str(error))
    raise error
