# SPDX-License-Identifier: Apache-2.0
"""A ROS node that starts a grounding node, spins beside it, and calls its services."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from afformer_ros.driver.node_processes import NodeError, NodeProcess, NodeProcesses, wait_until
from afformer_ros.srv import (
    DeleteDemonstration,
    FinishDemonstration,
    LoadDemonstration,
    MarkContact,
    StartDemonstration,
)

_SERVICES = {
    'change_state': ChangeState,
    'get_state': GetState,
    'start_demonstration': StartDemonstration,
    'finish_demonstration': FinishDemonstration,
    'load_demonstration': LoadDemonstration,
    'delete_demonstration': DeleteDemonstration,
    'mark_contact': MarkContact,
}
# Transitions that make a node active, and the state after each.
_BRING_UP = {
    Transition.TRANSITION_CONFIGURE: 'inactive',
    Transition.TRANSITION_ACTIVATE: 'active',
}
# Seconds after which an answer is assumed to be lost.
_LOSS = 15.0
_PATIENCE = 60.0


class GroundingDriver:
    """A driver of one grounding node; callbacks of its own node run in a thread.

    Args:
        name: name of its own node.
        processes: processes of the nodes.
    """

    def __init__(self, name: str, processes: NodeProcesses) -> None:
        self.processes = processes
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
        self.node = rclpy.create_node(name)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        # Created before the grounding node starts, because Fast DDS drops answers to clients that
        # the node has not discovered.
        self._clients = {name: self._create_client(name) for name in _SERVICES}
        self._grounding: NodeProcess | None = None
        self._ending = threading.Event()
        self._spinner = threading.Thread(target=self._spin, name='executor', daemon=True)

    def start_grounding(self, parameters: Mapping[str, Any]) -> None:
        """Start the grounding node, after all subscriptions of this node exist."""
        self._spinner.start()
        self._grounding = self.processes.start(
            'grounding node', 'afformer_ros.executables.grounding', {}, parameters
        )

    def spin_too(self, node: Node) -> None:
        """Run the callbacks of another node in the same thread."""
        self._executor.add_node(node)

    def bring_up(self) -> None:
        """Configure and activate the grounding node.

        Raises:
            NodeError: the node reports a failure, or ends.
        """
        for transition, goal in _BRING_UP.items():
            answer = self._attempt('change_state', _LOSS, transition=Transition(id=transition))
            if answer is None:
                self.wait(partial(self._is, goal), f'the state {goal}')
            elif not answer.success:
                output = '' if self._grounding is None else self._grounding.output
                raise NodeError(f'the grounding node did not become {goal}:\n{output}')

    def succeed(self, service: str, **fields: Any) -> Any:
        """Call a service of the grounding node; return its answer.

        Raises:
            NodeError: the answer reports a failure.
        """
        answer = self._call(service, **fields)
        if not answer.success:
            raise NodeError(f'{service} failed: {answer.message}')
        return answer

    def request(self, client: Any, request: Any) -> Any:
        """Call a service with a client of this driver's node; return its answer.

        Raises:
            NodeError: a process failed, or there is no answer within a minute.
        """
        self.wait(client.service_is_ready, f'the service {client.srv_name}')
        future = client.call_async(request)
        self.wait(future.done, f'the answer of {client.srv_name}')
        return future.result()

    def wait(self, condition: Callable[[], Any], what: str, timeout: float = 60.0) -> Any:
        """Wait for a condition (see `wait_until`)."""
        return wait_until(condition, what, self.processes, timeout)

    def stop_spinning(self) -> None:
        """Stop the thread, after which no callback runs."""
        self._ending.set()
        self._executor.wake()
        if self._spinner.is_alive():
            self._spinner.join(5.0)

    def close(self) -> None:
        """Shut ROS down."""
        self.stop_spinning()
        self._executor.shutdown(timeout_sec=1.0)
        self.node.destroy_node()
        rclpy.try_shutdown()

    def _is(self, state: str) -> bool:
        return bool(self._call('get_state').current_state.label == state)

    def _call(self, service: str, **fields: Any) -> Any:
        answer = self._attempt(service, _PATIENCE, **fields)
        if answer is None:
            raise NodeError(f'{service} has not answered within {_PATIENCE:.0f} s')
        return answer

    def _attempt(self, service: str, seconds: float, **fields: Any) -> Any:
        """Call a service; return None if no answer came in time."""
        client = self._clients[service]
        self.wait(client.service_is_ready, f'the service {service}')
        future = client.call_async(_SERVICES[service].Request(**fields))
        answered = threading.Event()
        future.add_done_callback(lambda _: answered.set())
        end = time.monotonic() + seconds
        while not answered.wait(0.1):
            self.processes.check()
            if time.monotonic() > end:
                # The node may never discover this client.
                self.node.destroy_client(client)
                self._clients[service] = self._create_client(service)
                return None
        return future.result()

    def _create_client(self, service: str) -> Any:
        return self.node.create_client(_SERVICES[service], f'grounding/{service}')

    def _spin(self) -> None:
        while not self._ending.is_set():
            self._executor.spin_once(timeout_sec=0.5)
