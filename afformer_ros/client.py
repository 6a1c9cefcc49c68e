# SPDX-License-Identifier: Apache-2.0
"""A client of the grounding node: its services, actions and lifecycle."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from action_msgs.msg import GoalStatus
from builtin_interfaces.msg import Duration
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from numpy.typing import NDArray
from rcl_interfaces.srv import GetParameters, SetParameters
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter

from afformer_core.errors import AfformerError
from afformer_core.messages.image_decoding import to_rgb
from afformer_ros.action import GroundDemonstration
from afformer_ros.interfaces import ACTIONS, SERVICES
from afformer_ros.srv import GetDemonstrationFrame

_SERVICES = {
    **SERVICES,
    'get_state': GetState,
    'change_state': ChangeState,
    'get_parameters': GetParameters,
    'set_parameters': SetParameters,
}
# State of the node after each transition.
GOALS = {
    Transition.TRANSITION_CONFIGURE: 'inactive',
    Transition.TRANSITION_ACTIVATE: 'active',
    Transition.TRANSITION_DEACTIVATE: 'inactive',
    Transition.TRANSITION_CLEANUP: 'unconfigured',
    Transition.TRANSITION_UNCONFIGURED_SHUTDOWN: 'finalized',
    Transition.TRANSITION_INACTIVE_SHUTDOWN: 'finalized',
    Transition.TRANSITION_ACTIVE_SHUTDOWN: 'finalized',
}
# Seconds for an answer of an action, besides the timeout of a goal, and to read a video.
_PATIENCE, _LOADING = 10.0, 120.0
# Seconds for an answer of a service: memorizing a demonstration on a slow machine takes seconds.
_ANSWER = 60.0
# Seconds after which the answer to a transition is assumed to be lost.
_LOSS = 15.0
# Wall time to cancel the last goal, seconds.
_CLOSING = 1.0
_POLL = 0.02

Until = Callable[[Callable[[], object], float], str]
"""Function that waits for a condition for some seconds; returns why it ended, '' if it holds."""


class NoAnswerError(AfformerError):
    """Raised if the grounding node does not answer, or has grounded too few images to answer."""


class GoalRefusedError(AfformerError):
    """Raised if the grounding node refuses a request, or ends a goal without an answer."""


class ConcurrentActionClient(ActionClient):  # type: ignore[type-arg]
    """An action client that may be created and used while another thread spins its node.

    rclpy adds a client to the node before it creates the lock that the executor takes. Up to
    Jazzy, it drops a response that the executor takes before the request is noted.
    """

    _lock = threading.Lock()
    _requesting = threading.RLock()

    def send_goal_async(self, *given: Any, **named: Any) -> Any:
        """Send a goal; see `rclpy.action.ActionClient`."""
        with self._requesting:
            return super().send_goal_async(*given, **named)

    def _cancel_goal_async(self, *given: Any) -> Any:
        with self._requesting:
            return super()._cancel_goal_async(*given)

    def _get_result_async(self, *given: Any) -> Any:
        with self._requesting:
            return super()._get_result_async(*given)

    def take_data(self) -> Any:
        """Take the responses that have arrived."""
        with self._requesting:
            return super().take_data()


class GroundingClient:
    """A client of one grounding node, which cancels goals that it no longer awaits.

    Its methods block until there is an answer. They spin the node meanwhile, unless an executor in
    another thread does.

    Args:
        node: node of the clients.
        name: name of the grounding node; relative names are below the namespace of `node`.
        starting: seconds to wait for a service or an action that is not there yet.
        until: waits, for example by simulated time; None: by the clock of the machine.

    Attributes:
        name: name of the grounding node, with its namespace.
        grounded: number of images that were grounded for goals so far.
        goals: handles of the open goals, by the name of their action.
        services, actions: clients of rclpy, by the names below that of the node.
    """

    def __init__(
        self,
        node: Node,
        name: str = 'grounding',
        starting: float = 60.0,
        until: Until | None = None,
    ) -> None:
        self._node = node
        self._starting = starting
        self._until = until or self._until_by_the_machine
        self._closed = False
        self._idle = threading.Event()
        self._idle.set()
        self.name = node.resolve_service_name(name)
        self.grounded = 0
        self.goals: dict[str, Any] = {}
        # Created before they are used, because Fast DDS drops answers to clients that the node
        # has not discovered.
        self.services = {service: self._create(service) for service in _SERVICES}
        self.actions: dict[str, Any] = {
            action: ConcurrentActionClient(node, kind, f'{name}/{action}')
            for action, kind in ACTIONS.items()
        }

    @property
    def busy(self) -> bool:
        """Whether a goal is open."""
        return not self._idle.is_set()

    def close(self) -> bool:
        """End all waits; return whether the open goal was canceled in time."""
        self._closed = True
        return self._idle.wait(_CLOSING)

    def is_there(self) -> bool:
        """Check whether the node is in the graph."""
        return bool(self.services['get_state'].service_is_ready())

    def wait_for_node(self) -> None:
        """Wait until a configurable grounding node is available.

        Raises:
            NoAnswerError: there is none.
        """
        self._require(self.actions['ground_demonstration'].server_is_ready, 'its actions')

    def wait_until_active(self) -> None:
        """Wait until the node is active; see `wait_for_node` for errors."""
        self.wait_for_node()
        self._require(lambda: self.state() == 'active', 'results in the active state')

    def call(self, service: str, /, seconds: float | None = None, **fields: Any) -> Any:
        """Call a service; return its answer.

        Args:
            service: name below the name of the node, such as 'list_demonstrations'.
            seconds: time limit of the answer; None: a minute.
            fields: fields of the request.

        Raises:
            NoAnswerError: the service is missing, or does not answer in time.
        """
        client = self.services[service]
        self._require(client.service_is_ready, service)
        future = client.call_async(_SERVICES[service].Request(**fields))
        try:
            return self._result_of(future, _ANSWER if seconds is None else seconds, service)
        except NoAnswerError:
            # The node may never discover this client.
            self._node.destroy_client(client)
            self.services[service] = self._create(service)
            raise

    def succeed(self, service: str, /, seconds: float | None = None, **fields: Any) -> Any:
        """Call a service that reports success; return its answer.

        Raises:
            NoAnswerError: see `call`.
            GoalRefusedError: the node reports a failure.
        """
        answer = self.call(service, seconds, **fields)
        if not answer.success:
            raise GoalRefusedError(answer.message)
        return answer

    def state(self, seconds: float | None = None) -> str:
        """Return the state of the node's lifecycle, such as 'active'.

        Raises:
            NoAnswerError: see `call`.
        """
        return str(self.call('get_state', seconds).current_state.label)

    def change_state(self, transition: int) -> None:
        """Take the node through a transition of its lifecycle, by its id in `Transition`.

        Raises:
            NoAnswerError: see `call`.
            GoalRefusedError: the node reports a failure.
        """
        try:
            answer = self.call('change_state', _LOSS, transition=Transition(id=transition))
        except NoAnswerError:
            # Asked a second time, a node that has made the transition refuses it.
            if self.state(_LOSS) != GOALS[transition]:
                raise
            return
        if not answer.success:
            raise GoalRefusedError(
                f'{self.name} did not become {GOALS[transition]}; its log gives the reason'
            )

    def bring_up(self) -> None:
        """Configure and activate the node; see `call` and `change_state` for errors."""
        self.change_state(Transition.TRANSITION_CONFIGURE)
        # It answers when loading has ended, or after a minute; a bad model is refused only then.
        self.call('list_demonstrations', _LOADING)
        self.change_state(Transition.TRANSITION_ACTIVATE)

    def use_model(self, folder: str) -> None:
        """Let the node open another model; it is active again if it was active.

        If it cannot, it opens the model that it had.

        Args:
            folder: model folder on the machine of the node.

        Raises:
            NoAnswerError: see `call`.
            GoalRefusedError: the node does not open the model.
        """
        active = self.state(_LOSS) == 'active'
        before = self.call('get_parameters', names=['model']).values[0].string_value
        try:
            self._open(folder, active=active)
        except GoalRefusedError:
            self._open(before, active=active)
            raise

    def _open(self, folder: str, *, active: bool) -> None:
        state = self.state(_LOSS)
        if state == 'active':
            self.change_state(Transition.TRANSITION_DEACTIVATE)
        if state in ('active', 'inactive'):
            self.change_state(Transition.TRANSITION_CLEANUP)
        parameter = Parameter('model', value=folder).to_parameter_msg()
        (result,) = self.call('set_parameters', parameters=[parameter]).results
        if not result.successful:
            raise GoalRefusedError(result.reason)
        self.bring_up()
        if not active:
            self.change_state(Transition.TRANSITION_DEACTIVATE)

    def ground(self, goal: GroundDemonstration.Goal, seconds: float) -> GroundDemonstration.Result:
        """Ground a demonstration in the next images; return the result.

        Args:
            goal: goal, whose timeout is set here.
            seconds: seconds for the images to agree, by the clock of the grounding node.

        Raises:
            NoAnswerError, GoalRefusedError: see `pursue`.
        """
        nanoseconds = round(seconds * 1e9)
        goal.timeout = Duration(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)
        return self._pursue('ground_demonstration', goal, seconds).result

    def load(self, path: str) -> None:
        """Load a video, folder of images or bag as the demonstration, and select it.

        Raises:
            NoAnswerError, GoalRefusedError: see `pursue`.
        """
        self.pursue('load_demonstration', _LOADING, path=path)

    def pursue(
        self,
        action: str,
        seconds: float | None,
        told: Callable[[Any], None] = lambda feedback: None,
        **fields: Any,
    ) -> Any:
        """Send a goal and wait until it succeeds or is canceled; return its result.

        Args:
            action: name below the name of the node, such as 'record_demonstration'.
            seconds: time limit of the goal; None: as long as the node is there.
            told: called with each feedback, in the thread of callbacks.
            fields: fields of the goal.

        Raises:
            NoAnswerError: the action is missing, or its node does not answer or has ended.
            GoalRefusedError: the node rejects or aborts the goal.
        """
        answer = self._pursue(action, ACTIONS[action].Goal(**fields), seconds, told)
        if not answer.result.success and answer.status != GoalStatus.STATUS_CANCELED:
            raise GoalRefusedError(answer.result.message)
        return answer.result

    def cancel(self, action: str) -> None:
        """Cancel the open goal of an action.

        Raises:
            GoalRefusedError: there is none.
            NoAnswerError: the node does not answer.
        """
        handle = self.goals.get(action)
        if handle is None:
            raise GoalRefusedError(f'this client has no open goal of {action}')
        self._result_of(handle.cancel_goal_async(), _PATIENCE, f'the cancellation of {action}')

    def frame(self, name: str, *, last: bool) -> NDArray[np.uint8]:
        """Return the first or last used frame of a demonstration, uint8 RGB [H, W, 3].

        Args:
            name: name of the demonstration; empty: the selected one.
            last: whether to return the last frame.

        Raises:
            NoAnswerError, GoalRefusedError: the node does not answer, or has no frames.
        """
        return to_rgb(self._used_frame(name, last=last).frame)

    def marking_advice(self, name: str) -> str:
        """Describe how to mark the contact of a demonstration, with the candidates for it."""
        try:
            answer = self._used_frame(name, last=False)
        except (NoAnswerError, GoalRefusedError):
            return 'Mark the contact in the demonstration'
        if answer.marked:
            return 'The contact is already marked; show the part from closer'
        return f'Call {self.name}/mark_contact with a candidate or a pixel: {answer.message}'

    def _used_frame(self, name: str, *, last: bool) -> GetDemonstrationFrame.Response:
        if not self.services['get_demonstration_frame'].service_is_ready():
            raise NoAnswerError('the grounding node offers no frames of demonstrations')
        return self.succeed('get_demonstration_frame', _PATIENCE, name=name, last=last)

    def _pursue(
        self,
        action: str,
        goal: Any,
        seconds: float | None,
        told: Callable[[Any], None] = lambda feedback: None,
    ) -> Any:
        """Send a goal and wait for its answer; cancel the goal if the wait is aborted."""
        client = self.actions[action]
        self._require(client.server_is_ready, action)
        self._idle.clear()

        def hear(message: Any) -> None:
            self.grounded += action == 'ground_demonstration'
            told(message.feedback)

        sent = client.send_goal_async(goal, hear)
        try:
            handle = self._result_of(sent, _PATIENCE, action)
            if not handle.accepted:
                raise GoalRefusedError('the grounding node refused the goal. Is it active?')
            self.goals[action] = handle
            return self._result_of(
                handle.get_result_async(), None if seconds is None else seconds + _PATIENCE, action
            )
        except NoAnswerError:
            # The goal may still be accepted.
            sent.add_done_callback(_cancel)
            raise
        finally:
            self.goals.pop(action, None)
            self._idle.set()

    def _require(self, is_ready: Callable[[], bool], what: str) -> None:
        """Wait for a service or an action."""
        if is_ready():
            return
        reason = self._until(is_ready, self._starting)
        if reason:
            raise NoAnswerError(
                f'there is no grounding node {self.name} that offers {what}: {reason}. Start and '
                'configure it'
            )

    def _result_of(self, future: Any, seconds: float | None, what: str) -> Any:
        """Wait for a result; without a limit, as long as the node is there."""
        limit = float('inf') if seconds is None else seconds
        reason = self._until(
            lambda: future.done() or (seconds is None and not self.is_there()), limit
        )
        if not reason and not future.done():
            reason = 'it has ended in the meantime'
        if reason:
            raise NoAnswerError(
                f'the grounding node {self.name} did not answer {what}: {reason}. It may still '
                'finish; look at its log'
            )
        return future.result()

    def _until_by_the_machine(self, condition: Callable[[], object], seconds: float) -> str:
        executor = None
        if self._node.executor is None:
            executor = SingleThreadedExecutor(context=self._node.context)
            executor.add_node(self._node)
        try:
            end = time.monotonic() + seconds
            while not condition():
                if self._closed:
                    return 'the client was closed'
                if time.monotonic() >= end:
                    return f'{seconds:g} s have passed'
                if executor is None:
                    time.sleep(_POLL)
                else:
                    executor.spin_once(timeout_sec=_POLL)
            return ''
        finally:
            if executor is not None:
                executor.remove_node(self._node)
                executor.shutdown()

    def _create(self, service: str) -> Any:
        return self._node.create_client(_SERVICES[service], f'{self.name}/{service}')


def _cancel(sent: Any) -> None:
    """Cancel the goal of a future with its handle, unless it was refused."""
    handle = sent.result()
    if handle is not None and handle.accepted:
        handle.cancel_goal_async()
