# SPDX-License-Identifier: Apache-2.0
"""A captured graph computes with the current contents of its buffers, and keeps them."""

import gc
import weakref
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from cuda_double import Device
from torch import Tensor

from afformer_core.runtime.tensorrt.cuda_graph import CapturedRun, EnqueuedRun

KINDS = ['captured', 'enqueued']


def start(kind: str, run: Callable[[], Sequence[Tensor]]) -> EnqueuedRun:
    stream = torch.cuda.Stream()
    if kind == 'enqueued':
        return EnqueuedRun(stream, run)
    return CapturedRun(stream, run, torch.cuda.graph_pool_handle())


def on_gpu(*values: float) -> Tensor:
    return torch.tensor(values).to('cuda')


@pytest.mark.usefixtures('device')
@pytest.mark.parametrize('kind', KINDS)
def test_each_run_reads_the_buffers_anew(kind: str) -> None:
    memory = on_gpu(10, 20)
    run = start(kind, lambda: [memory.sum().reshape(1, 1), memory * 2])

    first = run()
    memory.copy_(on_gpu(40, 50))
    second = run()

    assert [output.tolist() for output in first] == [[[30]], [20, 40]]
    assert [output.tolist() for output in second] == [[[90]], [80, 100]]


@pytest.mark.usefixtures('device')
@pytest.mark.parametrize('dtype', [torch.float32, torch.float16])
def test_outputs_are_fp32_and_not_overwritten(dtype: torch.dtype) -> None:
    memory = on_gpu(1, 2)
    run = start('captured', lambda: [memory.sum().to(dtype).reshape(1)])

    (first,) = run()
    memory.copy_(on_gpu(5, 6))
    run()

    assert first.dtype == np.float32
    assert first.item() == 3


@pytest.mark.usefixtures('device')
@pytest.mark.parametrize('kind', KINDS)
def test_buffers_live_as_long_as_the_run(kind: str) -> None:
    image, memory = on_gpu(1), on_gpu(10, 20)
    read = [weakref.ref(image), weakref.ref(memory)]
    run = start(kind, lambda image=image, memory=memory: [(image + memory.sum()).reshape(1)])
    del image, memory
    gc.collect()
    assert all(tensor() is not None for tensor in read)
    # Memory that was freed would be handed out here.
    taken = [on_gpu(*[7.0] * count) for count in range(1, 200)]

    assert run()[0].item() == 31

    del run, taken
    gc.collect()
    assert all(tensor() is None for tensor in read)


def test_graphs_of_one_pool_do_not_change_the_outputs_of_others(device: Device) -> None:
    stream, pool = torch.cuda.Stream(), torch.cuda.graph_pool_handle()
    memories = [on_gpu(10.0 * number) for number in range(3)]
    graphs = [CapturedRun(stream, lambda memory=memory: [memory + 3], pool) for memory in memories]

    found = [[graph()[0].item() for graph in graphs] for _ in range(2)]

    assert found == [[3, 13, 23]] * 2
    assert device.captures == 3
