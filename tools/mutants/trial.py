# SPDX-License-Identifier: Apache-2.0
"""Tests of a mutant in a process of its own, forked after the libraries are imported."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from tools.mutants.mutated_import import mutate_imports

# Importing these takes most of the time of a short test. None of them may start a thread.
LIBRARIES = (
    'av', 'cv2', 'lightning', 'mujoco', 'numpy', 'onnx', 'onnxruntime', 'onnxscript', 'PIL',
    'pytest', 'pytest_timeout', 'rosbags.image', 'rosbags.rosbag2', 'safetensors.torch',
    'scipy.optimize', 'simplejpeg', 'sklearn', 'timm', 'torch', 'torch.onnx', 'torchvision',
    'xdist.plugin',
)  # fmt: skip
_PYTEST = ('-q', '-p', 'no:cacheprovider', '-p', 'xdist.plugin', '-p', 'pytest_timeout')
# Time limit of a mutant: a factor of the time of its tests, and additional seconds.
_PATIENCE, _LEAST_SECONDS = 4.0, 30.0


@dataclass(frozen=True)
class MutantTrial:
    """Tests that run with one file mutated, until the first one fails.

    Attributes:
        file: path of the mutated file, relative to the root.
        source: source that replaces the file's; None to mutate nothing.
        tests: tests of pytest, in order.
        seconds: seconds that they take without a mutant.
    """

    file: str
    source: str | None
    tests: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class MutantVerdict:
    """Result of a trial.

    Attributes:
        killed: True if a test failed, could not be imported, crashed or took too long.
        by: tests that failed, or another reason.
    """

    killed: bool
    by: tuple[str, ...]


def run_trials(
    root: Path, trials: Sequence[MutantTrial], workers: int, libraries: Sequence[str] = LIBRARIES
) -> Iterator[tuple[int, MutantVerdict]]:
    """Try mutants, several at a time; yield the number and verdict of each finished one.

    Args:
        root: root of the project.
        trials: the trials.
        workers: number of processes, at least 1.
        libraries: libraries to import before the processes are forked.
    """
    os.environ['OMP_NUM_THREADS'] = '1'
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload([*libraries])
    waiting = list(enumerate(trials))
    running: dict[int, tuple[int, ForkServerProcess, Connection, float]] = {}
    while waiting or running:
        while waiting and len(running) < workers:
            number, trial = waiting.pop(0)
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=_run, args=(root, trial, sender))
            process.start()
            sender.close()
            deadline = time.monotonic() + 10 * _limit(trial)
            running[process.sentinel] = number, process, receiver, deadline
        ended = set(wait([*running], timeout=1.0))
        for sentinel, (number, process, receiver, deadline) in list(running.items()):
            if sentinel in ended or time.monotonic() > deadline:
                _end(process)
                del running[sentinel]
                yield number, _verdict(receiver, process.exitcode)


def _end(process: ForkServerProcess) -> None:
    """End a process, and remaining processes of its tests."""
    assert process.pid is not None
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.join()
    shutil.rmtree(_folder(process.pid), ignore_errors=True)


def _folder(process: int) -> Path:
    """Return the folder for temporary files of a trial's process."""
    return Path(tempfile.gettempdir()) / f'afformer_mutant_{process}'


def _verdict(receiver: Connection, exit_code: int | None) -> MutantVerdict:
    try:
        code, failed = receiver.recv()
    except EOFError:
        return MutantVerdict(True, (f'ended by exit code {exit_code}',))
    # If pytest finds no test, or cannot import one, the mutant is in an imported module.
    return MutantVerdict(code != 0, failed or (() if code == 0 else (f'pytest ended by {code}',)))


def _limit(trial: MutantTrial) -> float:
    return _LEAST_SECONDS + _PATIENCE * trial.seconds


def _run(root: Path, trial: MutantTrial, sender: Connection) -> None:
    import pytest

    # Garbage collection skips the objects of earlier imports.
    gc.freeze()
    os.environ['PYTEST_DISABLE_PLUGIN_AUTOLOAD'] = '1'
    os.setsid()
    os.chdir(root)
    limit = round(_limit(trial))
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for output in (1, 2):
        os.dup2(nowhere, output)
    sys.path.insert(0, str(root))
    folder = _folder(os.getpid())
    folder.mkdir()
    if trial.source is not None:
        mutate_imports(root, trial.file, trial.source, folder / 'mutant.json')
    failures = _Failures()
    stop = [] if trial.source is None else ['--exitfirst']
    temporary = ['--basetemp', str(folder / 'pytest')]
    code = int(pytest.main([*_PYTEST, *stop, *temporary, *trial.tests], plugins=[failures]))
    sender.send((code, tuple(failures.tests)))
    sender.close()
    # Threads of a mutant must not keep the process alive.
    os._exit(0)


class _Failures:
    def __init__(self) -> None:
        self.tests: list[str] = []

    def pytest_runtest_logreport(self, report: object) -> None:
        if getattr(report, 'failed', False):
            self.tests.append(getattr(report, 'nodeid', ''))

    def pytest_collectreport(self, report: object) -> None:
        self.pytest_runtest_logreport(report)
