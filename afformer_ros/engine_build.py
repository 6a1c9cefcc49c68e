# SPDX-License-Identifier: Apache-2.0
"""Compiles the engines of a model in the background, and brings a session that runs them."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from afformer_core.errors import AfformerError
from afformer_core.runtime.backends import chosen_precision, open_session
from afformer_core.runtime.session import Session

_STOPPING_PATIENCE = 1.0


class EngineBuild:
    """Compiles in a process of its own, which nothing here waits for, then loads what came out.

    Args:
        model: the model folder.
        precision: one of `PRECISIONS`.
        log: told in lines how far it is.
        ready: called from another thread with the session, once it has passed its self-test.
    """

    def __init__(
        self,
        model: Path,
        precision: str,
        log: Callable[[str], None],
        ready: Callable[[Session], None],
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
        """Give up where it is not done."""
        with self._lock:
            self._stopping = True
            if self._process is not None:
                self._process.terminate()
        self._thread.join(_STOPPING_PATIENCE)

    def _run(self) -> None:
        try:
            precision = chosen_precision(self._model, 'tensorrt', self._precision)
            if not self._compile(precision):
                return
            session = open_session(self._model, 'tensorrt', 0, precision, self._say)
        # Whatever it is, the node goes on without engines and says why.
        except Exception as error:  # noqa: BLE001
            self._fail(str(error) if isinstance(error, AfformerError) else repr(error))
            return
        if not self._stopping:
            self._ready(session)
            self._say('the engines are used now')

    def _compile(self, precision: str) -> bool:
        """Whether there are engines now."""
        command = [sys.executable, '-m', 'afformer_core.cli.main', 'build-engine', '--require-gpu']
        with self._lock:
            if self._stopping:
                return False
            self._process = subprocess.Popen(
                [*command, '--precision', precision, str(self._model)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
        with self._process as process:
            assert process.stderr is not None
            for line in process.stderr:
                self._say(line.strip())
        if process.returncode and not self._stopping:
            self._fail(self.status.removeprefix('afformer: error: '))
        return process.returncode == 0

    def _say(self, line: str) -> None:
        if line:
            self.status = line
            self._log(line)

    def _fail(self, reason: str) -> None:
        self.problem = f'TensorRT is not used: {reason}'
        self._log(self.problem)
