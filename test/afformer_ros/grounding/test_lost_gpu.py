# SPDX-License-Identifier: Apache-2.0
"""A node whose GPU is lost grounds on, on the CPU, and tells it."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from diagnostic_msgs.msg import DiagnosticStatus

NODE = Path(__file__).with_name('node_with_lost_gpu.py')
real = pytest.param(
    'real',
    marks=[
        pytest.mark.gpu,
        pytest.mark.skipif(not torch.cuda.is_available(), reason='no NVIDIA GPU is here'),
    ],
)


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
