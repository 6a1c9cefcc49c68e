# SPDX-License-Identifier: Apache-2.0
"""The start of a lifecycle node by a launch file, up to the active state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from launch.action import Action
from launch.actions import (
    EmitEvent,
    LogInfo,
    OpaqueCoroutine,
    OpaqueFunction,
    RegisterEventHandler,
)
from launch.event_handlers import OnProcessStart
from launch.events import matches_action
from launch.events.process import ProcessStarted
from launch.launch_context import LaunchContext
from launch_ros.actions import LifecycleNode
from launch_ros.event_handlers import OnStateTransition
from launch_ros.events.lifecycle import ChangeState
from launch_ros.ros_adapters import get_ros_node
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import GetState

# Seconds between two checks for the answer of a starting node, and checks before the next request.
_POLL_PERIOD = 0.1
_POLLS = 5


class Autostart:
    """Event handlers that configure and activate a node whenever its process starts.

    A node that is configured by another program is not activated.
    """

    def __init__(self, node: LifecycleNode) -> None:
        self._node = node
        self._configuring = False

    def handlers(self) -> list[RegisterEventHandler]:
        """Return the event handlers that configure and activate the node."""
        return [
            RegisterEventHandler(
                OnProcessStart(
                    target_action=self._node,
                    on_start=lambda event, _: [
                        OpaqueCoroutine(coroutine=self._configure, args=(event,)),
                    ],
                )
            ),
            self._once_configured('inactive', self._activate),
            self._once_configured('unconfigured', self._report),
        ]

    def _once_configured(
        self, goal: str, function: Callable[[LaunchContext], list[Action]]
    ) -> RegisterEventHandler:
        return RegisterEventHandler(
            OnStateTransition(
                target_lifecycle_node=self._node,
                start_state='configuring',
                goal_state=goal,
                entities=[OpaqueFunction(function=function)],
            )
        )

    async def _configure(self, context: LaunchContext, started: ProcessStarted) -> None:
        """Configure the node when it answers, unless it ends before.

        The services of a killed process seem to exist for many seconds, and never answer. The
        state of the node is therefore requested until the new process answers.
        """
        node, asking = self._node, get_ros_node(context)
        client = asking.create_client(GetState, f'{node.node_name}/get_state')
        try:
            while node.process_details['pid'] == started.pid:
                answer = client.call_async(GetState.Request())
                for _ in range(_POLLS):
                    await asyncio.sleep(_POLL_PERIOD)
                    if answer.done():
                        self._configuring = True
                        await context.emit_event(_change(node, 'CONFIGURE'))
                        return
                client.remove_pending_request(answer)
        finally:
            asking.destroy_client(client)

    def _activate(self, _: LaunchContext) -> list[Action]:
        asked, self._configuring = self._configuring, False
        return [EmitEvent(event=_change(self._node, 'ACTIVATE'))] if asked else []

    def _report(self, _: LaunchContext) -> list[Action]:
        self._configuring = False
        return [LogInfo(msg='grounding could not be configured; its own message says why')]


def _change(node: LifecycleNode, name: str) -> ChangeState:
    return ChangeState(
        lifecycle_node_matcher=matches_action(node),
        transition_id=getattr(Transition, f'TRANSITION_{name}'),
    )
