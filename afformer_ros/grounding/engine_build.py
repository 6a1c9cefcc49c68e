# SPDX-License-Identifier: Apache-2.0
"""Background compilation of a model's engines, and the networks that run them."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from afformer_core.errors import AfformerError
from afformer_core.exit_status import describe_exit
from afformer_core.runtime.backends import open_networks
from afformer_core.runtime.networks import Networks
from afformer_ros.grounding.grounding_worker import WorkerStoppedError

_STOPPING_PATIENCE = 1.0


class EngineBuild:
    """A compilation in a separate process, without blocking, whose engines are then loaded.

    Args:
        model: the model folder.
        precision: one of `PRECISIONS`.
        log: called with lines of progress.
        ready: called from another thread with the networks after their self-test; returns a future
            that is done when the networks are in use.

    Attributes:
        status: description of its progress.
        problem: reason why there are no engines; empty: there are, or may still be.
    """

    def __init__(
        self,
        model: Path,
        precision: str,
        log: Callable[[str], None],
        ready: Callable[[Networks], Future[None]],
    ) -> None:
        self._model = model
        self._precision = precision
        self._log = log
        self._ready = ready
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._stopping = False
        self.status = 'the engines are not compiled yet'
        self.problem = ''
        self._thread = threading.Thread(target=self._run, name='engine build', daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the compilation, unless it is done."""
        with self._lock:
            self._stopping = True
            if self._process is not None:
                self._process.terminate()
        self._thread.join(_STOPPING_PATIENCE)

    def _run(self) -> None:
        try:
            if not self._compile():
                return
            networks = open_networks(self._model, 'tensorrt', 0, self._precision, self._say)
            if self._stopping:
                return
            self._ready(networks).result()
        except WorkerStoppedError:
            return
        # After any error, the node continues without engines and reports the reason.
        except Exception as error:  # noqa: BLE001
            self._fail(str(error) if isinstance(error, AfformerError) else repr(error))
            return
        self._say('the engines are used now')

    def _compile(self) -> bool:
        """Compile the engines; return whether that succeeded."""
        command = [sys.executable, '-m', 'afformer_core.cli.main', 'build-engine', '--require-gpu']
        with self._lock:
            if self._stopping:
                return False
            self._process = subprocess.Popen(
                [*command, '--precision', self._precision, str(self._model)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
        with self._process as process:
            assert process.stderr is not None
            for line in process.stderr:
                self._say(line.strip())
        if process.returncode and not self._stopping:
            self._fail(self._reason(process.returncode))
        return process.returncode == 0

    def _reason(self, status: int) -> str:
        """Return why the process failed, even if a signal ended it."""
        if status < 0:
            return f'the process that compiles {describe_exit(status)}, after: {self.status}'
        return self.status.removeprefix('afformer: error: ')

    def _say(self, line: str) -> None:
        if line:
            self.status = line
            self._log(line)

    def _fail(self, reason: str) -> None:
        self.problem = f'TensorRT is not used: {reason}'
        self._log(self.problem)
