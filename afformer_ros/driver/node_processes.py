# SPDX-License-Identifier: Apache-2.0
"""Nodes in separate processes, each with a log, which are always terminated."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from afformer_core.errors import AfformerError

_PATIENCE = 5.0


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
                [sys.executable, '-m', module, *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
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


def wait_until(condition: Any, what: str, processes: NodeProcesses, timeout: float = 60.0) -> Any:
    """Wait for a condition as long as no process fails; return its result.

    Raises:
        NodeError: a process failed, or the timeout in seconds expired.
    """
    end = time.monotonic() + timeout
    while not (result := condition()):
        processes.check()
        if time.monotonic() > end:
            raise NodeError(f'timed out after {timeout:.0f} s waiting for {what}')
        time.sleep(0.02)
    return result
