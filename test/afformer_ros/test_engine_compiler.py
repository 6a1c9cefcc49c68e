# SPDX-License-Identifier: Apache-2.0
"""Reports of the process that compiles engines, and of the worker that goes over to them."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from afformer_ros.grounding.engine_build import EngineBuild
from afformer_ros.grounding.grounding_worker import WorkerStoppedError

PATIENCE = 40.0
NETWORKS: Any = object()


class Build:
    """Compiles by a shell script in the place of Python, and hands over to a worker's future."""

    def __init__(self, folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
        python = folder / 'python'
        python.write_text(f'#!/bin/sh\necho "$@" >>{folder}/calls\n{script}\n')
        python.chmod(0o755)
        monkeypatch.setattr(sys, 'executable', str(python))
        self.opened: list[tuple[Any, ...]] = []
        monkeypatch.setattr('afformer_ros.grounding.engine_build.open_networks', self._open)
        self.lines: queue.Queue[str] = queue.Queue()
        self.handed_over = threading.Event()
        self.switched: Future[None] = Future()
        self.build = EngineBuild(Path('model'), 'auto', self.lines.put, self._ready)

    def line(self) -> str:
        return self.lines.get(timeout=PATIENCE)

    def _open(self, *arguments: Any) -> Any:
        self.opened.append(arguments[:4])
        return NETWORKS

    def _ready(self, networks: Any) -> Future[None]:
        assert networks is NETWORKS
        self.handed_over.set()
        return self.switched


@pytest.fixture
def compile_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Build]:
    return lambda script: Build(tmp_path, script, monkeypatch)


def test_precision_auto_is_left_to_the_compiler_and_to_the_networks(
    compile_by: Callable[[str], Build], tmp_path: Path
) -> None:
    build = compile_by('exit 0')

    assert build.handed_over.wait(PATIENCE)
    assert '--precision auto model' in (tmp_path / 'calls').read_text()
    assert build.opened == [(Path('model'), 'tensorrt', 0, 'auto')]


def test_the_engines_are_used_only_when_the_worker_uses_them(
    compile_by: Callable[[str], Build],
) -> None:
    build = compile_by('exit 0')
    assert build.handed_over.wait(PATIENCE)

    with pytest.raises(queue.Empty):
        build.lines.get(timeout=0.3)
    build.switched.set_result(None)

    assert build.line() == 'the engines are used now'
    assert build.build.problem == ''


def test_a_worker_that_cannot_use_them_is_told(compile_by: Callable[[str], Build]) -> None:
    build = compile_by('exit 0')

    build.switched.set_exception(RuntimeError('no room'))

    assert build.line() == "TensorRT is not used: RuntimeError('no room')"
    assert build.build.problem == "TensorRT is not used: RuntimeError('no room')"


def test_a_worker_that_stops_is_no_problem(compile_by: Callable[[str], Build]) -> None:
    build = compile_by('exit 0')
    build.switched.set_exception(WorkerStoppedError('the node stops'))

    assert build.handed_over.wait(PATIENCE)
    with pytest.raises(queue.Empty):
        build.lines.get(timeout=0.3)
    assert build.build.problem == ''


def test_a_compiler_that_fails_gives_the_reason(compile_by: Callable[[str], Build]) -> None:
    build = compile_by('echo "afformer: error: no GPU is here" >&2; exit 1')

    assert build.line() == 'afformer: error: no GPU is here'
    assert build.line() == 'TensorRT is not used: no GPU is here'


def test_a_compiler_that_is_killed_is_told_by_the_signal(
    compile_by: Callable[[str], Build],
) -> None:
    build = compile_by('echo "compiling decode.onnx: 40 s" >&2; kill -KILL $$')

    assert build.line() == 'compiling decode.onnx: 40 s'
    assert build.line() == (
        'TensorRT is not used: the process that compiles was killed by SIGKILL, probably for lack '
        'of memory, after: compiling decode.onnx: 40 s'
    )
