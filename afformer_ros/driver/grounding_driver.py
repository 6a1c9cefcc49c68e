# SPDX-License-Identifier: Apache-2.0
"""A ROS node that starts a grounding node, spins beside it, and calls its services."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from afformer_ros.client import GoalRefusedError, GroundingClient, NoAnswerError
from afformer_ros.driver.node_processes import NodeError, NodeProcess, NodeProcesses, wait_until

# Seconds for an answer, and between two checks for it.
_PATIENCE, _POLL = 60.0, 0.02


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
        self.client = GroundingClient(self.node, until=self._until)
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
        try:
            self.client.bring_up()
        except (GoalRefusedError, NoAnswerError) as error:
            output = '' if self._grounding is None else self._grounding.output
            raise NodeError(f'{error}:\n{output}') from error

    def succeed(self, service: str, **fields: Any) -> Any:
        """Call a service of the grounding node; return its answer.

        Raises:
            NodeError: the answer reports a failure.
        """
        try:
            return self.client.succeed(service, _PATIENCE, **fields)
        except (GoalRefusedError, NoAnswerError) as error:
            raise NodeError(f'{service} failed: {error}') from error

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

    def _until(self, condition: Callable[[], object], seconds: float) -> str:
        """Wait as `GroundingClient` does, as long as no process fails."""
        end = time.monotonic() + seconds
        while not condition():
            self.processes.check()
            if time.monotonic() > end:
                return f'{seconds:g} s have passed'
            time.sleep(_POLL)
        return ''

    def _spin(self) -> None:
        while not self._ending.is_set():
            self._executor.spin_once(timeout_sec=0.5)
