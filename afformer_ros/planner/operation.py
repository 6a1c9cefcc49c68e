# SPDX-License-Identifier: Apache-2.0
"""The operation of an element: look, act, look again, and try in another way what is not done."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from afformer_core.changes.outcome import Expected, ObservedOutcome, Seen, judge_outcome
from afformer_core.errors import AfformerError
from afformer_ros.action import OperateElement
from afformer_ros.planner.answers import GoalRefusedError, NoAnswerError, NotFoundError
from afformer_ros.planner.contact import (
    ArmContact,
    BlockedError,
    Felt,
    UnknownActionError,
    UnreachableError,
)
from afformer_ros.planner.contacts import UncertainPartError
from afformer_ros.planner.element_operator import ElementOperator
from afformer_ros.planner.joint_states import ArmError
from afformer_ros.planner.next_attempt import (
    Attempted,
    NextAttempt,
    may_try_again,
    next_attempts,
)

_Result, _Feedback = OperateElement.Result, OperateElement.Feedback
# Images before and after an attempt.
_IMAGES = 3
# The first matching kind of an error is used.
_OUTCOMES: dict[type[AfformerError], int] = {
    UncertainPartError: _Result.UNSURE,
    NotFoundError: _Result.NOT_FOUND,
    NoAnswerError: _Result.NO_ANSWER,
    GoalRefusedError: _Result.REFUSED,
    UnknownActionError: _Result.REFUSED,
    BlockedError: _Result.BLOCKED,
    UnreachableError: _Result.UNREACHABLE,
    ArmError: _Result.ARM_FAILED,
}
_ENDS = {
    Seen.DONE: _Result.DONE,
    Seen.NOT_DONE: _Result.NOT_DONE,
    Seen.OTHER_CHANGED: _Result.OTHER_CHANGED,
    Seen.NOT_VISIBLE: _Result.NOT_VISIBLE,
}


@dataclass(frozen=True)
class OperationReport:
    """The end of an operation.

    Attributes:
        outcome: a constant of the result of OperateElement.
        message: one sentence for a person.
        attempts: every time that the arm acted.
    """

    outcome: int
    message: str
    attempts: tuple[Attempted, ...]

    @property
    def succeeded(self) -> bool:
        """Whether the element was operated, as far as the camera can see it."""
        return self.outcome in (_Result.DONE, _Result.NOT_VISIBLE)


class Operation:
    """One operation of an element.

    Args:
        operator: looks and acts.
        report: called with each step, a constant of the feedback of OperateElement; the number of
            the attempt, from 1; and a sentence for a person.
    """

    def __init__(self, operator: ElementOperator, report: Callable[[int, int, str], None]) -> None:
        self._operator = operator
        self._report = report
        self._attempts: list[Attempted] = []
        self._expected: tuple[Expected, str] | None = None

    def run(self, demonstrations: Sequence[str], action: str, budget: int) -> OperationReport:
        """Operate the element.

        Args:
            demonstrations: names; empty: the selection.
            action: name of the demonstrated action; empty: that of the grounding node.
            budget: maximum number of times that the arm acts.
        """
        try:
            while True:
                end = self._attempt(demonstrations, action)
                if end is not None:
                    return end
                if len(self._attempts) >= budget:
                    return self._end(_Result.NOT_DONE, self._why_not('no attempt is left'))
        except AfformerError as error:
            for kind, outcome in _OUTCOMES.items():
                if isinstance(error, kind):
                    return self._end(outcome, self._after_attempts(str(error)))
            raise

    def _attempt(self, demonstrations: Sequence[str], action: str) -> OperationReport | None:
        """Find the part, act and look again; return the end of the operation, or None."""
        number = len(self._attempts) + 1
        self._report(_Feedback.LOOKING, number, 'looking for the part')
        found = self._operator.find(demonstrations, action)
        if self._expected is None:
            self._expected = self._operator.expected(demonstrations, found[0].action)
        expected, reason = self._expected
        # Without images of before, nobody could say whether it is done.
        before = self._operator.images(_IMAGES)
        acted = self._act(found, number)
        if acted is None:
            return self._end(_Result.NOT_DONE, self._why_not('there is no other way to try'))
        chosen, felt = acted
        self._report(_Feedback.LOOKING_AGAIN, number, f'expecting {expected.value}: {reason}')
        point, radius = chosen.found, self._operator.radius(chosen.found)
        assert point.pixel is not None
        observed = _unseen('not visible: the arm is in front of the camera')
        if felt.returned:
            try:
                after = self._operator.images(_IMAGES)
            except NoAnswerError as error:
                self._attempts.append(Attempted(chosen, felt, _unseen(str(error))))
                raise
            observed = judge_outcome(before, after, point.pixel, radius, expected)
        self._attempts.append(Attempted(chosen, felt, observed))
        if may_try_again(self._attempts[-1]):
            return None
        return self._end(_ENDS[observed.seen], f'{felt}; {observed}')

    def _act(self, found: Sequence[ArmContact], number: int) -> tuple[NextAttempt, Felt] | None:
        """Act in the best way that is left and in reach; None if none is left."""
        unreachable: UnreachableError | None = None
        for chosen in next_attempts(found, self._attempts):
            what = f'{chosen.found.action} {chosen.way}'.rstrip()
            self._report(_Feedback.ACTING, number, what)
            try:
                return chosen, self._operator.act(chosen.contact)
            except BlockedError:
                raise
            except UnreachableError as error:
                unreachable = error
        if unreachable is not None and not self._attempts:
            raise unreachable
        return None

    def _why_not(self, reason: str) -> str:
        last = self._attempts[-1]
        text = f'{last.felt}; {last.observed}; {reason}'
        if last.felt.in_contact:
            text += '. It may already be as demonstrated'
        return text

    def _after_attempts(self, reason: str) -> str:
        """Describe the last attempt, if there was one, before the reason of the end."""
        if not self._attempts:
            return reason
        last = self._attempts[-1]
        seen = str(last.observed)
        return f'{last.felt}; {reason}' if seen == reason else f'{last.felt}; {seen}; {reason}'

    def _end(self, outcome: int, message: str) -> OperationReport:
        return OperationReport(outcome, message, tuple(self._attempts))


def _unseen(reason: str) -> ObservedOutcome:
    return ObservedOutcome(Seen.NOT_VISIBLE, math.nan, math.nan, None, math.nan, reason)
