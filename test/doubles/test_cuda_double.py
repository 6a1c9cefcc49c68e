# SPDX-License-Identifier: Apache-2.0
"""The double of CUDA shows the faults that it is for."""

import gc
from collections.abc import Iterator

import pytest
import torch
from cuda_double import Device, cuda_double


@pytest.fixture
def device() -> Iterator[Device]:
    with cuda_double() as double:
        yield double


def on_gpu(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32).to('cuda')


def captured(*inputs: torch.Tensor) -> tuple[torch.cuda.CUDAGraph, torch.Tensor]:
    """A graph that sums its inputs, which it does not keep, and where it writes the sum."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        total = sum(one.sum() for one in inputs)
    return graph, total


@pytest.mark.usefixtures('device')
def test_a_graph_computes_only_when_it_is_launched_and_waited_for() -> None:
    stream, values = torch.cuda.Stream(), on_gpu(1, 2)
    graph, total = captured(values)
    assert total.cpu() != 3

    values.copy_(on_gpu(5, 6))
    with torch.cuda.stream(stream):
        graph.replay()
        pinned = torch.zeros((), pin_memory=True)
        pinned.copy_(total, non_blocking=True)
    assert pinned == 0
    stream.synchronize()

    assert pinned == 11


@pytest.mark.usefixtures('device')
def test_a_graph_reads_what_stands_where_its_freed_input_was() -> None:
    values = on_gpu(1, 2)
    graph, total = captured(values)
    address = values.data_ptr()

    del values
    graph.replay()
    torch.cuda.synchronize()
    assert total.cpu().isnan()

    others = on_gpu(30, 40)
    assert others.data_ptr() == address
    graph.replay()
    torch.cuda.synchronize()
    assert total.cpu() == 70


def test_what_cannot_be_captured(device: Device) -> None:
    values, stream = on_gpu(1, 2), torch.cuda.Stream()

    for call in (values.cpu, values.sum().item, stream.synchronize, lambda: on_gpu(3)):
        graph = torch.cuda.CUDAGraph()
        with (
            pytest.raises(torch.AcceleratorError, match='not permitted when stream is capturing'),
            torch.cuda.graph(graph),
        ):
            call()
    assert device.capturing is None


@pytest.mark.usefixtures('device')
def test_memory_of_a_graph_is_its_own_until_it_ends() -> None:
    graph, total = captured(on_gpu(1, 2), on_gpu(3))
    address = total.data_ptr()
    del total

    taken = [on_gpu(7) for _ in range(20)]
    assert address not in [one.data_ptr() for one in taken]
    del graph
    gc.collect()

    taken = [on_gpu(7) for _ in range(20)]
    assert address in [one.data_ptr() for one in taken]


def test_a_lost_device_does_nothing(device: Device) -> None:
    values = on_gpu(1, 2)
    graph, _ = captured(values)
    device.lose()

    for call in (values.cpu, values.sum, graph.replay, torch.cuda.synchronize, lambda: on_gpu(3)):
        with pytest.raises(torch.AcceleratorError, match='CUDA error'):
            call()
