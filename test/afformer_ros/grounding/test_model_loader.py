# SPDX-License-Identifier: Apache-2.0
"""Engines that are compiled beside a node, and GPUs that are missing or lost."""

from __future__ import annotations

import queue
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.msg import Transition

from afformer_core.runtime.sessions.gpu import gpu_at_hand
from afformer_ros.grounding.grounding_worker import WorkerStoppedError
from afformer_ros.grounding.model_loader import EngineBuild

PATIENCE = 40.0
NETWORKS: Any = object()
HAS_GPU = bool(gpu_at_hand())
without_gpu = pytest.mark.skipif(HAS_GPU, reason='engines would run here')
# What TensorRT needs at most to compile the shipped model.
MINUTES = 600.0
NODE = Path(__file__).with_name('node_with_lost_gpu.py')
real = pytest.param(
    'real',
    marks=[
        pytest.mark.gpu,
        pytest.mark.skipif(not torch.cuda.is_available(), reason='no NVIDIA GPU is here'),
    ],
)


class Build:
    """Compiles by a shell script in the place of Python, and hands over to a worker's future."""

    def __init__(self, folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
        python = folder / 'python'
        python.write_text(f'#!/bin/sh\necho "$@" >>{folder}/calls\n{script}\n')
        python.chmod(0o755)
        monkeypatch.setattr(sys, 'executable', str(python))
        self.opened: list[tuple[Any, ...]] = []
        monkeypatch.setattr('afformer_ros.grounding.model_loader.open_networks', self._open)
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


@without_gpu
def test_the_cpu_grounds_and_the_reason_is_told(shipped_nodes):
    process = shipped_nodes.grounding(backend='tensorrt', diagnostics_period=0.2)
    client = shipped_nodes.client()
    client.bring_up()
    client.record('press')

    client.ground(client.image_message(5))

    told = client.told('gpu', 'TensorRT is not used: ')
    assert 'GPU' in told['message'] or 'not installed' in told['message']
    assert told['backend'] == 'onnxruntime'
    assert process.stop(signal.SIGINT) == 0
    assert told['message'] in process.output


@pytest.mark.slow
@without_gpu
def test_told_to_wait_it_is_not_active_without(shipped_nodes):
    process = shipped_nodes.grounding(backend='tensorrt', wait_for_engine=True)
    client = shipped_nodes.client()

    # On a machine under load the reason may come after the transition, and not after the next.
    client.change_state(Transition.TRANSITION_CONFIGURE)
    client.wait(lambda: 'GPU' in process.output or 'not installed' in process.output, 'the reason')
    assert not client.change_state(Transition.TRANSITION_ACTIVATE)
    assert client.state() != 'active'


@pytest.mark.slow
@without_gpu
def test_the_process_that_compiles_ends_with_the_node(shipped_nodes):
    process = shipped_nodes.grounding(backend='tensorrt')
    client = shipped_nodes.client()
    assert client.change_state(Transition.TRANSITION_CONFIGURE)
    children = psutil.Process(process.popen.pid).children(recursive=True)

    assert process.stop(signal.SIGTERM) == 0

    _, alive = psutil.wait_procs(children, 5.0)
    assert alive == []


@pytest.mark.gpu
@pytest.mark.timeout(900)
@pytest.mark.skipif(not HAS_GPU, reason='no NVIDIA GPU is here')
def test_the_engines_take_over(shipped_nodes):
    shipped_nodes.grounding(backend='tensorrt', diagnostics_period=0.2)
    client = shipped_nodes.client()
    client.bring_up()
    client.record('press')
    on_cpu = client.ground(client.image_message(5))

    def gpu():
        return client.status_values(client.diagnostics[-1], 'gpu') if client.diagnostics else {}

    assert client.hold(lambda: gpu().get('backend') == 'tensorrt', MINUTES), gpu()

    client.told('gpu', 'the engines are used now')
    on_gpu = client.ground(client.image_message(6))
    assert (on_cpu.demonstration, on_gpu.demonstration) == ('press', 'press')


@pytest.mark.parametrize('gpu', ['double', real])
def test_the_cpu_grounds_on_and_diagnostics_say_so(
    nodes: Any, random_model: Path, gpu: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('AFFORMER_TEST_GPU', gpu)
    process = nodes.grounding(
        program=str(NODE), model=random_model, backend='torch-cuda', diagnostics_period=0.2
    )
    client = nodes.client()
    client.bring_up()
    client.record('press')
    computing = client.told('gpu', 'cuda computes')
    assert computing['backend'] == 'torch-cuda'

    # The third is the first that the GPU does not ground.
    results = [client.ground(client.image_message(number)) for number in (5, 6, 7, 8)]

    told = client.told('gpu', 'the GPU was lost, and torch grounds on the CPU instead')
    assert 'CUDA error' in told['message']
    assert 'Restart the node' in told['message']
    assert told['backend'] == 'torch'
    (status,) = (one for one in client.diagnostics[-1].status if one.name.endswith(': gpu'))
    assert status.level == DiagnosticStatus.WARN
    assert [one.demonstration for one in results] == ['press'] * 4
    assert process.stop(signal.SIGINT) == 0
    assert process.output.count('the GPU was lost') == 1
