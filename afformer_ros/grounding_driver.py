# SPDX-License-Identifier: Apache-2.0
"""A ROS node that starts a grounding node, spins beside it, and calls its services."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from afformer_ros.node_processes import NodeError, NodeProcess, NodeProcesses, wait_until

_GROUNDING = 'grounding'


class GroundingDriver:
    """Drives one grounding node; callbacks of its own node run in a thread.

    Args:
        name: of its own node.
        processes: where nodes are started.
    """

    def __init__(self, name: str, processes: NodeProcesses) -> None:
        self.processes = processes
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
        self.node = rclpy.create_node(name)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._grounding: NodeProcess | None = None
        self._ending = threading.Event()
        self._spinner = threading.Thread(target=self._spin, name='executor', daemon=True)

    def start_grounding(self, parameters: Mapping[str, Any]) -> None:
        """Start the grounding node, once all subscriptions of this node are there."""
        self._spinner.start()
        self._grounding = self.processes.start(
            'grounding node', 'afformer_ros.grounding', {}, parameters
        )

    def bring_up(self) -> None:
        """Configure and activate the grounding node.

        Raises:
            NodeError: it refuses.
        """
        for name in ('CONFIGURE', 'ACTIVATE'):
            transition = Transition(id=getattr(Transition, f'TRANSITION_{name}'))
            if not self._call(ChangeState, 'change_state', transition=transition).success:
                output = '' if self._grounding is None else self._grounding.output
                raise NodeError(f'the grounding node refused to {name.lower()}:\n{output}')

    def succeed(self, kind: Any, service: str, **fields: Any) -> Any:
        """Call a service of the grounding node; returns its answer.

        Raises:
            NodeError: it says that it did not succeed.
        """
        answer = self._call(kind, service, **fields)
        if not answer.success:
            raise NodeError(f'{service} failed: {answer.message}')
        return answer

    def wait(self, condition: Callable[[], Any], what: str) -> Any:
        """See `wait_until`."""
        return wait_until(condition, what, self.processes)

    def stop_spinning(self) -> None:
        """No callback runs after this."""
        self._ending.set()
        self._executor.wake()
        if self._spinner.is_alive():
            self._spinner.join(5.0)

    def close(self) -> None:
        """Leave ROS."""
        self.stop_spinning()
        self._executor.shutdown(timeout_sec=1.0)
        self.node.destroy_node()
        rclpy.try_shutdown()

    def _call(self, kind: Any, service: str, **fields: Any) -> Any:
        client: Any = self.node.create_client(kind, f'{_GROUNDING}/{service}')
        self.wait(client.service_is_ready, f'the service {service}')
        future = client.call_async(kind.Request(**fields))
        self.wait(future.done, f'the answer of {service}')
        return future.result()

    def _spin(self) -> None:
        while not self._ending.is_set():
            self._executor.spin_once(timeout_sec=0.5)
