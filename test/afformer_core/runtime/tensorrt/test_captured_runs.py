# SPDX-License-Identifier: Apache-2.0
"""A captured graph computes with the current contents of its buffers; one serves each shape."""

import gc
import weakref
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from cuda_double import Device
from torch import Tensor

from afformer_core.runtime.session import Memory
from afformer_core.runtime.tensorrt import session as session_module
from afformer_core.runtime.tensorrt.session import CapturedDecoding, CapturedRun

Decodings = tuple[CapturedDecoding, list[weakref.ref[CapturedRun]]]


def on_gpu(*values: float) -> Tensor:
    return torch.tensor(values).to('cuda')


@pytest.mark.usefixtures('device')
@pytest.mark.parametrize('dtype', [torch.float32, torch.float16])
def test_each_run_reads_the_buffers_anew_and_overwrites_no_output(dtype: torch.dtype) -> None:
    memory = on_gpu(10, 20)
    run = CapturedRun(
        torch.cuda.Stream(),
        lambda: [memory.sum().to(dtype).reshape(1, 1), memory * 2],
        torch.cuda.graph_pool_handle(),
    )

    first = run()
    memory.copy_(on_gpu(40, 50))
    second = run()

    assert [output.tolist() for output in first] == [[[30]], [20, 40]]
    assert [output.tolist() for output in second] == [[[90]], [80, 100]]
    assert {output.dtype for output in first} == {np.dtype(np.float32)}


@pytest.mark.usefixtures('device')
def test_buffers_live_as_long_as_the_run() -> None:
    image, memory = on_gpu(1), on_gpu(10, 20)
    read = [weakref.ref(image), weakref.ref(memory)]
    run = CapturedRun(
        torch.cuda.Stream(),
        lambda image=image, memory=memory: [(image + memory.sum()).reshape(1)],
        torch.cuda.graph_pool_handle(),
    )
    del image, memory
    gc.collect()
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


@pytest.fixture
def level(device: Device) -> Tensor:
    """The encoded image, which the graphs read."""
    return torch.zeros(1, device='cuda')


@pytest.fixture
def decodings(level: Tensor) -> Decodings:
    """Decodes the sums of keys and the level; and the graphs that were captured."""
    stream, pool = torch.cuda.Stream(), torch.cuda.graph_pool_handle()
    made: list[weakref.ref[CapturedRun]] = []

    def bind(memory: Sequence[Tensor]) -> CapturedRun:
        keys, _ = memory
        graph = CapturedRun(stream, lambda: [keys.sum().reshape(1), 2 * level], pool)
        made.append(weakref.ref(graph))
        return graph

    shapes, types = [(1, 8, 1)] * 2, [torch.float32] * 2
    return CapturedDecoding(stream, shapes, types, bind), made


def memory(value: float, length: int) -> Memory:
    keys = np.full((1, length, 1), value, np.float32)
    return Memory((keys,), (keys.copy(),))


def sums(decode: CapturedDecoding, memory: Memory) -> tuple[float, float]:
    keys, image = decode(memory)
    return keys.item(), image.item()


def test_memories_of_any_shape_in_any_order(
    decodings: Decodings, level: Tensor, device: Device
) -> None:
    decode, _ = decodings
    first, same_length, longer = memory(1, 2), memory(10, 2), memory(100, 3)

    for image in (3.0, 5.0):
        level.fill_(image)
        assert sums(decode, first) == (2, 2 * image)
        assert sums(decode, same_length) == (20, 2 * image)
        assert sums(decode, longer) == (300, 2 * image)
        assert sums(decode, first) == (2, 2 * image)
    # A new memory may have the identity of one that is gone.
    assert [sums(decode, memory(value, 2))[0] for value in range(4)] == [0, 2, 4, 6]

    assert device.captures == 2


def test_a_memory_is_uploaded_again_only_where_another_stood(
    decodings: Decodings, device: Device
) -> None:
    decode, _ = decodings
    first, other = memory(1, 2), memory(2, 2)
    sums(decode, first)
    before = device.uploads

    sums(decode, first)
    assert device.uploads == before
    sums(decode, other)
    assert device.uploads == before + 16


def test_graphs_that_were_not_used_for_longest_go(
    decodings: Decodings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, '_MOST_GRAPHS', 2)
    decode, made = decodings
    memories = [memory(1, length) for length in (1, 2, 3)]
    for number in (0, 1, 0, 2):
        decode(memories[number])

    assert [graph() is not None for graph in made] == [True, False, True]


def test_a_memory_that_is_too_long_leaves_the_others_sound(decodings: Decodings) -> None:
    decode, _ = decodings
    short = memory(1, 2)
    decode(short)

    with pytest.raises(ValueError, match=r'shape of keys or values is .*; expected at most'):
        decode(memory(5, 9))

    assert sums(decode, short) == (2, 0)
