# SPDX-License-Identifier: Apache-2.0
"""A node that was asked for TensorRT where its engines cannot run."""

import signal

import psutil
import pytest
from lifecycle_msgs.msg import Transition

from afformer_core.runtime.gpu import gpu_at_hand

pytestmark = pytest.mark.skipif(gpu_at_hand() is not None, reason='engines would run here')


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


def test_told_to_wait_it_is_not_active_without(shipped_nodes):
    process = shipped_nodes.grounding(backend='tensorrt', wait_for_engine=True)
    client = shipped_nodes.client()

    # On a machine under load the reason may come after the transition, and not after the next.
    client.change_state(Transition.TRANSITION_CONFIGURE)
    client.wait(lambda: 'GPU' in process.output or 'not installed' in process.output, 'the reason')
    assert not client.change_state(Transition.TRANSITION_ACTIVATE)
    assert client.state() != 'active'


def test_the_process_that_compiles_ends_with_the_node(shipped_nodes):
    process = shipped_nodes.grounding(backend='tensorrt')
    client = shipped_nodes.client()
    assert client.change_state(Transition.TRANSITION_CONFIGURE)
    children = psutil.Process(process.popen.pid).children(recursive=True)

    assert process.stop(signal.SIGTERM) == 0

    _, alive = psutil.wait_procs(children, 5.0)
    assert alive == []
