# SPDX-License-Identifier: Apache-2.0
"""The action `~/operate_element`: look, act, look again, and try in another way if not done."""

from __future__ import annotations

import math
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from geometry_msgs.msg import Point
from rclpy.node import Node
from sensor_msgs.msg import RegionOfInterest
from std_srvs.srv import Trigger

from afformer_core.actions import ACTIONS
from afformer_core.changes.outcome import Expected, ObservedOutcome, Seen, judge_outcome
from afformer_core.errors import AfformerError
from afformer_core.manipulation.contact import (
    ArmContact,
    BlockedError,
    Felt,
    UnknownActionError,
    UnreachableError,
)
from afformer_core.manipulation.next_attempt import (
    Attempted,
    NextAttempt,
    may_try_again,
    next_attempts,
)
from afformer_ros.action import OperateElement
from afformer_ros.client import GoalRefusedError, NoAnswerError
from afformer_ros.grounding.actions.action_endpoint import (
    ActionEndpoint,
    Ending,
    OpenGoal,
    failure_text,
)
from afformer_ros.grounding.actions.goal_fields import (
    GoalClock,
    RefusedGoalError,
    names_of,
    refused_if_invalid,
    seconds_of,
)
from afformer_ros.msg import OperationAttempt
from afformer_ros.parameter_fields import constraints_of
from afformer_ros.planner.acting_arm import OccupiedArmError
from afformer_ros.planner.contacts import NotFoundError, UncertainPartError
from afformer_ros.planner.element_operator import ElementOperator
from afformer_ros.planner.joint_states import ArmError
from afformer_ros.planner.parameters import PlannerParameters
from afformer_ros.planner.waiting import Waiting

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
    OccupiedArmError: _Result.REFUSED,
    ArmError: _Result.ARM_FAILED,
}
_GRASPS = {
    None: OperationAttempt.NO_GRASP,
    True: OperationAttempt.HELD,
    False: OperationAttempt.DROPPED,
}
NAME = 'operate_element'
_RANGES = constraints_of(PlannerParameters)
_MOST_ATTEMPTS = 10
# Seconds for the last operation to end, when the planner is closed.
_CLOSING = 3.0


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

    def succeeded(self, *, accept_not_visible: bool) -> bool:
        """Check whether it is seen or held, or cannot be seen where that is enough."""
        enough = {_Result.DONE, _Result.HELD}
        if accept_not_visible:
            enough.add(_Result.NOT_VISIBLE)
        return self.outcome in enough


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
                    return self._give_up('no attempt is left')
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
            return self._give_up('there is no other way to try')
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
        self._attempts.append(made := Attempted(chosen, felt, observed))
        if may_try_again(made):
            return None
        text = f'{felt}; {observed}'
        if observed.seen is Seen.DONE and not felt.done:
            text += '. The arm has not moved the part'
        return self._end(_outcome(made), text)

    def _act(self, found: Sequence[ArmContact], number: int) -> tuple[NextAttempt, Felt] | None:
        """Act in the best way that is left and in reach; None if none is left."""
        unreachable: UnreachableError | None = None
        for chosen in next_attempts(found, self._attempts, compliant=self._operator.compliant):
            what = f'{chosen.found.action} {chosen.way}'.rstrip()
            self._report(_Feedback.ACTING, number, what)
            try:
                return chosen, self._operator.arm.act(chosen.contact)
            except BlockedError:
                raise
            except UnreachableError as error:
                unreachable = error
        if unreachable is not None and not self._attempts:
            raise unreachable
        return None

    def _give_up(self, reason: str) -> OperationReport:
        last = self._attempts[-1]
        text = f'{last.felt}; {last.observed}; {reason}'
        if last.felt.held is False:
            return self._end(_Result.DROPPED, text)
        if last.felt.in_contact:
            text += '. It may already be as demonstrated'
        return self._end(_Result.NOT_DONE, text)

    def _after_attempts(self, reason: str) -> str:
        """Describe the last attempt, if there was one, before the reason of the end."""
        if not self._attempts:
            return reason
        last = self._attempts[-1]
        seen = str(last.observed)
        return f'{last.felt}; {reason}' if seen == reason else f'{last.felt}; {seen}; {reason}'

    def _end(self, outcome: int, message: str) -> OperationReport:
        return OperationReport(outcome, message, tuple(self._attempts))


def _outcome(made: Attempted) -> int:
    """Return the outcome of the last attempt, by what was seen and what the gripper holds."""
    seen, held = made.observed.seen, made.felt.held
    if not made.felt.returned:
        return int(_Result.BLOCKED)
    if seen is Seen.OTHER_CHANGED:
        return int(_Result.OTHER_CHANGED)
    if made.attempt.contact.action == 'pick up':
        return int(_Result.HELD if held else _Result.DROPPED)
    if held is False and not (seen is Seen.DONE and made.felt.done):
        return int(_Result.DROPPED)
    if seen is Seen.DONE and not made.felt.done:
        # What the arm has not moved has changed by something else.
        return int(_Result.NOT_DONE)
    return int(getattr(_Result, seen.name))


def _unseen(reason: str) -> ObservedOutcome:
    return ObservedOutcome(Seen.NOT_VISIBLE, math.nan, math.nan, None, math.nan, reason)


class OperateAction:
    """The goals of the action while the planner is active; operations have own threads.

    Args:
        node: node that offers the action.
        endpoint: the action of the node.
        operator: looks and acts.
        waiting: waits of the operator, which canceling interrupts.
        settings: parameters of the planner.

    Attributes:
        last: how the last goal ended; empty: there was none.
    """

    def __init__(
        self,
        node: Node,
        endpoint: ActionEndpoint,
        operator: ElementOperator,
        waiting: Waiting,
        settings: PlannerParameters,
    ) -> None:
        self._node = node
        self._endpoint = endpoint
        self._operator = operator
        self._waiting = waiting
        self._settings = settings
        self._lock = threading.Lock()
        self._current: OpenGoal | None = None
        self._clock = GoalClock(waiting.now, time.monotonic)
        self._time_limit = settings.time_limit
        self._running = self._moving = False
        # What ended the operation from outside, if anything did.
        self._stopped_by = _Result.STOPPED
        self._thread: threading.Thread | None = None
        self._closing = ''
        self.last = ''

    @property
    def busy(self) -> bool:
        """Whether a goal is open, or the arm moves."""
        return self._current is not None or self._moving

    def open(self) -> None:
        """Take goals from now on."""
        self._waiting.resume()
        self._closing = ''
        self._endpoint.attach(self)

    def close(self, reason: str) -> bool:
        """Halt the arm, end the open goal with a reason, and refuse later goals with it.

        Returns:
            whether the arm is left alone; False after some seconds in which it is not.
        """
        with self._lock:
            self._closing = reason
            if self.busy and not self._waiting.why_stopped:
                self._waiting.interrupt(reason)
        end = time.monotonic() + _CLOSING
        while self.busy and time.monotonic() < end:
            self._waiting.pause()
        if not self.busy:
            self._endpoint.detach(reason)
        return not self.busy

    def take(self, goal: OpenGoal) -> None:
        """Start an operation.

        Raises:
            RefusedGoalError: a field is out of its range, or another goal is open.
        """
        request = goal.request
        names = names_of(request.demonstrations)
        if request.action and request.action not in ACTIONS:
            raise RefusedGoalError(
                f'action is {request.action!r}; expected one of {", ".join(ACTIONS)}, or nothing'
            )
        if request.attempts > _MOST_ATTEMPTS:
            raise RefusedGoalError(
                f'attempts is {request.attempts}; expected at most {_MOST_ATTEMPTS}'
            )
        settings = _settings_of(request, self._settings)
        with self._lock:
            if reason := self._busy():
                raise RefusedGoalError(reason)
            self._current, self._running, self._stopped_by = goal, True, _Result.STOPPED
            self._clock.restart()
            self._time_limit = settings.time_limit
        goal.begin()
        arguments = (goal, names, request.action, request.attempts or settings.attempts, settings)
        self._thread = threading.Thread(target=self._run, args=arguments, name='operation')
        self._thread.start()

    def cancel(self, goal: OpenGoal) -> None:
        """End the waits of the goal's operation, which halts the arm."""
        with self._lock:
            if goal is self._current and self._running:
                self._stopped_by = _Result.CANCELED
                self._waiting.interrupt('the goal was canceled')

    def tick(self) -> None:
        """End the waits of an operation whose time limit has expired, which halts the arm."""
        with self._lock:
            expired = self._clock.elapsed() >= self._time_limit
            if expired and self._running and not self._waiting.why_stopped:
                self._stopped_by = _Result.TIMED_OUT
                self._waiting.interrupt(f'the time limit of {self._time_limit:g} s has expired')

    def _busy(self) -> str:
        """Return why the arm cannot be used; empty if it can."""
        if self._closing:
            return self._closing
        if self._current is not None:
            return 'another goal is open. Wait for its result, or cancel it'
        return 'the arm moves. Wait until it has' if self._moving else ''

    def move(self, move: Callable[[], str], response: Trigger.Response) -> Trigger.Response:
        """Move the arm without a goal, unless one is open; fill in the response."""
        with self._lock:
            response.message = self._busy()
            if response.message:
                return response
            self._moving = True
        try:
            response.message = move()
            response.success = True
        except AfformerError as error:
            response.message = str(error)
            self._operator.arm.come_to_rest()
        finally:
            with self._lock:
                self._moving = False
        return response

    def _run(
        self,
        goal: OpenGoal,
        names: tuple[str, ...],
        action: str,
        attempts: int,
        settings: PlannerParameters,
    ) -> None:
        def report(step: int, attempt: int, message: str) -> None:
            feedback = OperateElement.Feedback(step=step, attempt=attempt, message=message)
            goal.publish_feedback(feedback)
            self._node.get_logger().info(f'attempt {attempt}: {message}')

        try:
            self._operator.arm.use(settings)
            ended = Operation(self._operator, report).run(names, action, attempts)
        except Exception as error:  # noqa: BLE001
            if not isinstance(error, AfformerError):
                traceback.print_exc()
            ended = OperationReport(_Result.STOPPED, failure_text(error), ())
        self._finish(goal, ended)

    def _finish(self, goal: OpenGoal, ended: OperationReport) -> None:
        with self._lock:
            stopped_by, stop = self._stopped_by, self._waiting.why_stopped
            self._running = False
            self._waiting.resume()
        outcome, message = ended.outcome, ended.message
        ending = Ending.SUCCEEDED
        if stop:
            outcome = stopped_by
            message = f'{stop}: {message}' if stop not in message else message
            ending = Ending.CANCELED if outcome == _Result.CANCELED else Ending.ABORTED
        elif not ended.succeeded(
            accept_not_visible=goal.request.accept_not_visible or self._settings.accept_not_visible
        ):
            ending = Ending.ABORTED
        self._operator.arm.come_to_rest()
        attempts = [attempt_message(made, self._settings.base_frame) for made in ended.attempts]
        self.last = f'{ending.value}: {message}'
        with self._lock:
            self._current = None
        goal.end(ending, _Result(outcome=outcome, message=message, attempts=attempts))
        self._node.get_logger().info(f'operation ended: {message}')


def _settings_of(request: OperateElement.Goal, settings: PlannerParameters) -> PlannerParameters:
    """Return the parameters of the planner with those that a goal gives.

    Raises:
        RefusedGoalError: a field is out of its range.
    """
    given: dict[str, Any] = {
        name: value
        for name in ('speed_scale', 'maximum_force', 'gripper_effort')
        if (value := getattr(request, name))
    }
    if seconds := seconds_of(request.time_limit, 'time_limit', _RANGES['time_limit']):
        given['time_limit'] = seconds
    gripper = list(request.gripper_range)
    if gripper:
        if len(gripper) != 2:
            raise RefusedGoalError(
                f'gripper_range is {gripper}; expected the positions of the open and of the '
                'closed gripper, or nothing'
            )
        given['gripper_open'], given['gripper_closed'] = gripper
    with refused_if_invalid():
        for name, value in given.items():
            _RANGES[name].check(name, value)
        if 'maximum_force' in given:
            given['contact_force'] = min(settings.contact_force, given['maximum_force'])
        return replace(settings, **given)


def attempt_message(attempt: Attempted, frame: str) -> OperationAttempt:
    """Describe an attempt in a message."""
    contact, observed = attempt.attempt.contact, attempt.observed
    x, y, z = contact.point.tolist()
    u, v = contact.pixel or (float('nan'), float('nan'))
    message = OperationAttempt(
        action=contact.action,
        way=attempt.attempt.way,
        frame=frame,
        position=Point(x=x, y=y, z=z),
        u=u,
        v=v,
        felt=attempt.felt.done,
        felt_text=str(attempt.felt),
        grasp=_GRASPS[attempt.felt.held],
        seen=getattr(OperationAttempt, observed.seen.name),
        seen_text=str(observed),
        changed_here=observed.here,
        changed_elsewhere=observed.elsewhere,
    )
    if observed.box is not None:
        left, top, width, height = observed.box
        message.region = RegionOfInterest(
            x_offset=max(left, 0), y_offset=max(top, 0), width=width, height=height
        )
    return message
