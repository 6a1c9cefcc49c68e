# SPDX-License-Identifier: Apache-2.0
"""A captured graph computes with what stands where it reads, and keeps all of that."""

import gc
import weakref
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
import torch
from cuda_double import Device, cuda_double
from torch import Tensor

from afformer_core.runtime.tensorrt.cuda_graph import CapturedGraph, EnqueuedGround

KINDS = ['captured', 'enqueued']


@pytest.fixture
def device() -> Iterator[Device]:
    with cuda_double() as double:
        yield double


def ground(
    kind: str, image: Tensor, run: Callable[[], Sequence[Tensor]]
) -> CapturedGraph | EnqueuedGround:
    stream = torch.cuda.Stream()
    if kind == 'enqueued':
        return EnqueuedGround(stream, image, run)
    return CapturedGraph(stream, image, run, torch.cuda.graph_pool_handle())


def sums(image: Tensor, memory: Tensor, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    """A heatmap, an action and a feature, which tell what was read."""
    heatmap = (image.sum() + memory.sum()).to(dtype)
    return [heatmap.reshape(1, 1, 1), memory.sum().reshape(1), image.float()]


def on_gpu(*values: float) -> Tensor:
    return torch.tensor(values).to('cuda')


@pytest.mark.usefixtures('device')
@pytest.mark.parametrize('kind', KINDS)
def test_each_image_and_memory_is_read_anew(kind: str) -> None:
    image = torch.zeros((1, 1, 3), dtype=torch.uint8, device='cuda')
    memory = on_gpu(10, 20)
    one = ground(kind, image, lambda: sums(image, memory))

    first = one(np.array([[[1, 2, 3]]], np.uint8))
    memory.copy_(on_gpu(40, 50))
    second = one(np.array([[[4, 5, 6]]], np.uint8))

    assert (first.heatmap_logits.item(), first.action_logits.item()) == (36, 30)
    assert (second.heatmap_logits.item(), second.action_logits.item()) == (105, 90)
    assert first.image_features.tolist() == [[[1, 2, 3]]]


@pytest.mark.usefixtures('device')
@pytest.mark.parametrize('dtype', [torch.float32, torch.float16])
def test_outputs_are_fp32_and_nobody_elses(dtype: torch.dtype) -> None:
    image = torch.zeros((1, 1, 3), dtype=torch.uint8, device='cuda')
    memory = on_gpu(0, 0)
    one = ground('captured', image, lambda: sums(image, memory, dtype))

    first = one(np.full((1, 1, 3), 1, np.uint8))
    one(np.full((1, 1, 3), 2, np.uint8))

    assert first.heatmap_logits.dtype == np.float32
    assert first.heatmap_logits.item() == 3


@pytest.mark.usefixtures('device')
@pytest.mark.parametrize('kind', KINDS)
def test_what_it_reads_and_writes_lives_as_long_as_it(kind: str) -> None:
    image = torch.zeros((1, 1, 3), dtype=torch.uint8, device='cuda')
    memory = on_gpu(10, 20)
    read = [weakref.ref(image), weakref.ref(memory)]
    one = ground(kind, image, lambda image=image, memory=memory: sums(image, memory))
    del image, memory
    gc.collect()
    assert all(tensor() is not None for tensor in read)
    # What was freed would be handed out here.
    taken = [on_gpu(*[7.0] * count) for count in range(1, 200)]

    assert one(np.zeros((1, 1, 3), np.uint8)).heatmap_logits.item() == 30

    del one, taken
    gc.collect()
    assert all(tensor() is None for tensor in read)


@pytest.mark.usefixtures('device')
@pytest.mark.parametrize('kind', KINDS)
def test_the_image_buffer_lives_as_long_as_it_although_nothing_else_keeps_it(kind: str) -> None:
    image = torch.zeros((1, 1, 3), dtype=torch.uint8, device='cuda')
    memory = on_gpu(10, 20)
    buffer = weakref.ref(image)

    def run() -> list[Tensor]:
        there = buffer()
        assert there is not None
        return sums(there, memory)

    one = ground(kind, image, run)
    del image
    gc.collect()
    # Memory that was freed would be handed out here.
    taken = [torch.full((1, 1, 3), 7, dtype=torch.uint8, device='cuda') for _ in range(200)]
    found = one(np.array([[[1, 2, 4]]], np.uint8))

    assert (found.heatmap_logits.item(), buffer() is None) == (37, False)
    assert {tensor.sum().item() for tensor in taken} == {21}


def test_graphs_of_one_pool_do_not_change_what_the_others_give(device: Device) -> None:
    stream, pool = torch.cuda.Stream(), torch.cuda.graph_pool_handle()
    images = [torch.zeros((1, 1, 3), dtype=torch.uint8, device='cuda') for _ in range(3)]
    memories = [on_gpu(10.0 * number) for number in range(3)]
    graphs = [
        CapturedGraph(stream, image, lambda image=image, memory=memory: sums(image, memory), pool)
        for image, memory in zip(images, memories, strict=True)
    ]

    found = [
        [one(np.full((1, 1, 3), value, np.uint8)).heatmap_logits.item() for one in graphs]
        for value in (1, 2)
    ]

    assert found == [[3, 13, 23], [6, 16, 26]]
    assert device.captures == 3
