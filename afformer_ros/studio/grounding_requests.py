# SPDX-License-Identifier: Apache-2.0
"""Requests of a page to a grounding node: services and actions, with time limits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from action_msgs.msg import GoalStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.action import ActionClient

from afformer_core.errors import AfformerError
from afformer_ros.action import LoadDemonstration, RecordDemonstration
from afformer_ros.srv import (
    DeleteDemonstration,
    FinishDemonstration,
    GetDemonstrationFrame,
    ListDemonstrations,
    MarkContact,
    SelectDemonstration,
)
from afformer_ros.studio.ros_thread import RosThread, awaitable

_SERVICES = {
    'get_state': GetState,
    'change_state': ChangeState,
    'list_demonstrations': ListDemonstrations,
    'select_demonstration': SelectDemonstration,
    'delete_demonstration': DeleteDemonstration,
    'finish_demonstration': FinishDemonstration,
    'get_demonstration_frame': GetDemonstrationFrame,
    'mark_contact': MarkContact,
}
_ACTIONS = {
    'record_demonstration': RecordDemonstration,
    'load_demonstration': LoadDemonstration,
}
# Seconds for an answer.
_PATIENCE = 15.0
# Seconds between two checks of whether the node of an open goal still exists.
_CHECK_PERIOD = 0.5


class RequestError(AfformerError):
    """Raised if a grounding node is missing, does not answer, or reports a failure."""


class GroundingRequests:
    """Requests to one grounding node.

    Args:
        ros: node that sends the requests.
        name: full name of the grounding node, such as '/grounding'.

    Attributes:
        goals: handles of the open goals, by the name of their action.
    """

    def __init__(self, ros: RosThread, name: str) -> None:
        self._ros = ros
        self._name = name
        self.goals: dict[str, Any] = {}
        # Created before they are used, because the middleware drops answers to clients that the
        # node has not discovered.
        self._clients = {service: self._create_client(service) for service in _SERVICES}
        self._action_clients: dict[str, Any] = {
            action: ActionClient(ros.node, kind, f'{name}/{action}')
            for action, kind in _ACTIONS.items()
        }

    def is_there(self) -> bool:
        """Check whether the node is in the graph."""
        return bool(self._clients['get_state'].service_is_ready())

    async def ask(self, service: str, seconds: float = _PATIENCE, **fields: Any) -> Any:
        """Call a service; return its answer.

        Args:
            service: name below the name of the node, such as 'list_demonstrations'.
            seconds: time limit of the answer.
            fields: fields of the request.

        Raises:
            RequestError: the service is missing, or does not answer in time.
        """
        client = self._clients[service]
        self._require(is_ready=client.service_is_ready(), what=service)
        try:
            return await asyncio.wait_for(
                awaitable(client.call_async(_SERVICES[service].Request(**fields))), seconds
            )
        except asyncio.TimeoutError:
            # The node may never discover this client.
            self._ros.node.destroy_client(client)
            self._clients[service] = self._create_client(service)
            raise RequestError(
                f'{self._name} has not answered {service} within {seconds:g} s; it may still '
                'finish. Try again, or look at its log'
            ) from None

    async def succeed(self, service: str, **fields: Any) -> Any:
        """Call a service that reports success; return its answer.

        Raises:
            RequestError: see `ask`; or the node reports a failure.
        """
        answer = await self.ask(service, **fields)
        if not answer.success:
            raise RequestError(answer.message)
        return answer

    async def change_state(self, transition: int) -> None:
        """Request a transition of the node's lifecycle, by its id in `Transition`.

        Raises:
            RequestError: see `ask`; or the node reports a failure.
        """
        answer = await self.ask('change_state', transition=Transition(id=transition))
        if not answer.success:
            raise RequestError(
                f'{self._name} has rejected the transition; its log gives the reason'
            )

    async def pursue(
        self, action: str, told: Callable[[Any], None] = lambda feedback: None, **fields: Any
    ) -> None:
        """Send a goal and wait until it succeeds or is canceled.

        Args:
            action: name below the name of the node, such as 'record_demonstration'.
            told: called with each feedback, in the thread of ROS.
            fields: fields of the goal.

        Raises:
            RequestError: the action is missing, or the node rejects or aborts the goal, or has
                ended.
        """
        client = self._action_clients[action]
        self._require(is_ready=client.server_is_ready(), what=action)
        sent = client.send_goal_async(
            _ACTIONS[action].Goal(**fields), lambda message: told(message.feedback)
        )
        try:
            handle = await asyncio.wait_for(awaitable(sent), _PATIENCE)
        except asyncio.TimeoutError:
            raise RequestError(
                f'{self._name} has not answered {action} within {_PATIENCE:g} s. Try again'
            ) from None
        if not handle.accepted:
            raise RequestError(f'{self._name} has rejected the goal; its log gives the reason')
        self.goals[action] = handle
        try:
            answer = await self._while_there(awaitable(handle.get_result_async()))
        finally:
            if self.goals.get(action) is handle:
                del self.goals[action]
        if not answer.result.success and answer.status != GoalStatus.STATUS_CANCELED:
            raise RequestError(answer.result.message)

    async def cancel(self, action: str) -> None:
        """Cancel the open goal of an action.

        Raises:
            RequestError: there is none, or the node does not answer.
        """
        handle = self.goals.get(action)
        if handle is None:
            raise RequestError(f'this studio has no open goal of {action}')
        try:
            await asyncio.wait_for(awaitable(handle.cancel_goal_async()), _PATIENCE)
        except asyncio.TimeoutError:
            raise RequestError(f'{self._name} has not answered within {_PATIENCE:g} s') from None

    async def _while_there(self, future: asyncio.Future[Any]) -> Any:
        """Wait for a result while the node is in the graph."""
        while not future.done():
            await asyncio.wait([future], timeout=_CHECK_PERIOD)
            if not future.done() and not self.is_there():
                raise RequestError(f'{self._name} has ended in the meantime')
        return future.result()

    def _require(self, *, is_ready: bool, what: str) -> None:
        if not is_ready:
            raise RequestError(
                f'{self._name} does not offer {what}; a configured node does. Start and configure '
                'it'
            )

    def _create_client(self, service: str) -> Any:
        return self._ros.node.create_client(_SERVICES[service], f'{self._name}/{service}')
