# SPDX-License-Identifier: Apache-2.0
"""Nodes in separate processes, and a driver that starts a grounding node and calls it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from afformer_core.errors import AfformerError
from afformer_ros.client import GoalRefusedError, GroundingClient, NoAnswerError

# Seconds for a process to end.
_PATIENCE = 5.0
# Seconds for an answer on a busy computer, and between two checks for it.
_ANSWER, _POLL = 600.0, 0.02


class NodeError(AfformerError):
    """Raised if a node failed or reports a failure, so that its driver cannot continue."""


class NodeProcess:
    """A node in a separate process.

    Args:
        name: name for messages.
        module: module to run with `python -m`.
        remappings: topic names, from and to.
        parameters: parameters of the node.
        log: file for its output.
    """

    def __init__(
        self,
        name: str,
        module: str,
        remappings: Mapping[str, str],
        parameters: Mapping[str, Any],
        log: Path,
    ) -> None:
        self.name = name
        self._log = log
        arguments = ['--ros-args']
        for old, new in remappings.items():
            arguments += ['-r', f'{old}:={new}']
        for key, value in parameters.items():
            arguments += ['-p', f'{key}:={value}']
        with open(log, 'wb') as output:
            self._process = subprocess.Popen(
                [sys.executable, '-m', module, *arguments], stdout=output, stderr=subprocess.STDOUT
            )

    @property
    def running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    @property
    def output(self) -> str:
        """The end of the output so far."""
        return self._log.read_text(errors='replace').strip()[-2000:]

    def check(self) -> None:
        """Check that the process runs, or ended without a failure.

        Raises:
            NodeError: it failed; the message contains the end of its output.
        """
        if self._process.poll() not in (None, 0):
            raise NodeError(
                f'the {self.name} ended with status {self._process.returncode}:\n{self.output}'
            )

    def interrupt(self) -> None:
        """Send SIGINT to the process."""
        if self.running:
            self._process.send_signal(signal.SIGINT)

    def wait(self) -> None:
        """Wait until the process ends, and send SIGKILL if it does not."""
        if self.running:
            try:
                self._process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()


class NodeProcesses:
    """The started nodes; none of them outlives the `with` block.

    Args:
        logs: folder of their output.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._started: list[NodeProcess] = []

    def __enter__(self) -> NodeProcesses:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # A second Ctrl-C must not leave processes behind.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            for process in self._started:
                process.interrupt()
            for process in self._started:
                process.wait()
        finally:
            signal.signal(signal.SIGINT, before)

    def start(
        self, name: str, module: str, remappings: Mapping[str, str], parameters: Mapping[str, Any]
    ) -> NodeProcess:
        """Start a node (see `NodeProcess`)."""
        log = self._logs / f'{len(self._started):02}_{name}.log'
        process = NodeProcess(name, module, remappings, parameters, log)
        self._started.append(process)
        return process

    def check(self) -> None:
        """Check that no node has failed.

        Raises:
            NodeError: a node has failed.
        """
        for process in self._started:
            process.check()


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
            return self.client.succeed(service, _ANSWER, **fields)
        except (GoalRefusedError, NoAnswerError) as error:
            raise NodeError(f'{service} failed: {error}') from error

    def request(self, client: Any, request: Any) -> Any:
        """Call a service with a client of this driver's node; return its answer.

        Raises:
            NodeError: a process failed, or there is no answer within ten minutes.
        """
        self.wait(client.service_is_ready, f'the service {client.srv_name}')
        future = client.call_async(request)
        self.wait(future.done, f'the answer of {client.srv_name}')
        return future.result()

    def wait(self, condition: Callable[[], object], what: str) -> None:
        """Wait for a condition as long as no process fails.

        Raises:
            NodeError: a process failed, or the condition did not hold within ten minutes.
        """
        if self._until(condition, _ANSWER):
            raise NodeError(f'timed out after {_ANSWER:.0f} s waiting for {what}')

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
