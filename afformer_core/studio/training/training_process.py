# SPDX-License-Identifier: Apache-2.0
"""A training in a separate process."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from enum import Enum
from pathlib import Path

from afformer_core.errors import AfformerError
from afformer_core.files.folder_lock import FolderHeldError, folder_lock

LOG_FILE = 'training.log'
"""Name of the log of a training, in its model folder."""

_NICENESS = '10'
# Exit status of a shell after an interruption.
_INTERRUPTED = 130


class TrainingState(Enum):
    """States of a training."""

    RUNNING = 'running'
    STOPPING = 'stopping'
    STOPPED = 'stopped'
    FINISHED = 'finished'
    FAILED = 'failed'


class TrainingProcess:
    """`afformer train` in a separate process with low priority.

    Args:
        folder: model folder to write; created if missing.
        arguments: arguments of `afformer train`.

    Attributes:
        folder: see the arguments.

    Raises:
        AfformerError: another process is training in the folder.
        OSError: the folder cannot be written to, or there is no `nice`.
    """

    def __init__(self, folder: Path, arguments: Sequence[str]) -> None:
        self.folder = folder
        self._asked = False
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, '-m', 'afformer_core.cli.main', 'train', *arguments]
        if is_trained_now(folder):
            raise AfformerError(
                f'{folder} is being trained by another process. Wait until it ends'
            )
        with (folder / LOG_FILE).open('wb') as log:
            # In a separate session, because the server handles Ctrl-C in the terminal.
            self._process = subprocess.Popen(
                ['nice', '-n', _NICENESS, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def state(self) -> TrainingState:
        """The state of the process."""
        status = self._process.poll()
        if status is None:
            return TrainingState.STOPPING if self._asked else TrainingState.RUNNING
        if status == 0:
            return TrainingState.FINISHED
        stopped = self._asked or status == _INTERRUPTED
        return TrainingState.STOPPED if stopped else TrainingState.FAILED

    @property
    def is_alive(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    @property
    def exit_status(self) -> int | None:
        """Exit status of the process; None before its end."""
        return self._process.poll()

    def stop(self) -> None:
        """Request once, like Ctrl-C, that the process ends with a checkpoint."""
        if not self._asked and self.is_alive:
            self._asked = True
            self._process.send_signal(signal.SIGINT)

    def wait(self, seconds: float) -> None:
        """Wait for the end of the process, and kill it after the timeout."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def is_trained_now(folder: Path) -> bool:
    """Check whether a training of any server or shell is running in a folder."""
    try:
        with folder_lock(folder, patient=False):
            return False
    except FolderHeldError:
        return True
    except OSError:
        return False
