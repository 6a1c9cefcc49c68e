# SPDX-License-Identifier: Apache-2.0
"""One graph serves all memories of a shape; of graphs, those that were used lately stay."""

import weakref

import numpy as np
import pytest
import torch
from cuda_double import Device
from torch import Tensor

from afformer_core.runtime.memories.recent_copies import RecentCopies
from afformer_core.runtime.session import Memory
from afformer_core.runtime.tensorrt import captured_graphs
from afformer_core.runtime.tensorrt.captured_graphs import CapturedGraphs
from afformer_core.runtime.tensorrt.cuda_graph import CapturedRun
from afformer_core.runtime.tensorrt.gpu_memories import GpuMemory, StaticMemory

Decodings = tuple[CapturedGraphs, list[weakref.ref[CapturedRun]]]


def upload(memory: Memory) -> GpuMemory:
    keys, values = (torch.from_numpy(one).to('cuda') for one in (*memory.keys, *memory.values))
    return GpuMemory((keys,), (values,))


@pytest.fixture
def level(device: Device) -> Tensor:
    """The encoded image, which the graphs read."""
    return torch.zeros(1, device='cuda')


@pytest.fixture
def decodings(level: Tensor) -> Decodings:
    """Decodes the sums of keys and the level; and the graphs that were captured."""
    stream, pool = torch.cuda.Stream(), torch.cuda.graph_pool_handle()
    static = StaticMemory([((1, 8, 1), (1, 8, 1))], [(torch.float32, torch.float32)])
    made: list[weakref.ref[CapturedRun]] = []

    def bind(memory: GpuMemory) -> CapturedRun:
        (keys,) = memory.keys
        graph = CapturedRun(stream, lambda: [keys.sum().reshape(1), 2 * level], pool)
        made.append(weakref.ref(graph))
        return graph

    return CapturedGraphs(stream, RecentCopies(upload, 4), static, bind), made


def memory(value: float, length: int) -> Memory:
    keys = np.full((1, length, 1), value, np.float32)
    return Memory((keys,), (keys.copy(),))


def sums(decode: CapturedGraphs, memory: Memory) -> tuple[float, float]:
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

    assert device.captures == 2


def test_graphs_that_were_not_used_for_longest_go(
    decodings: Decodings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(captured_graphs, '_MOST_GRAPHS', 2)
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
