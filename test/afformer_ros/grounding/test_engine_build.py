# SPDX-License-Identifier: Apache-2.0
"""A node that was asked for TensorRT, where its engines can run and where they cannot."""

import signal

import psutil
import pytest
from lifecycle_msgs.msg import Transition

from afformer_core.runtime.sessions.gpu import gpu_at_hand

HAS_GPU = bool(gpu_at_hand())
without_gpu = pytest.mark.skipif(HAS_GPU, reason='engines would run here')
# What TensorRT needs at most to compile the shipped model.
MINUTES = 600.0


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
