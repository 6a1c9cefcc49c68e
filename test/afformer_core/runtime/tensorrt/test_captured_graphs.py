# SPDX-License-Identifier: Apache-2.0
"""One graph serves all memories of a shape; of graphs, those that were used lately stay."""

import weakref
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from cuda_double import Device, cuda_double
from torch import Tensor

from afformer_core.runtime.session import Memory
from afformer_core.runtime.tensorrt import captured_graphs
from afformer_core.runtime.tensorrt.captured_graphs import CapturedGraphs
from afformer_core.runtime.tensorrt.cuda_graph import CapturedGraph
from afformer_core.runtime.tensorrt.gpu_memories import GpuMemory, ResidentMemories, StaticMemory

Grounds = tuple[CapturedGraphs, list[weakref.ref[CapturedGraph]]]


@pytest.fixture
def device() -> Iterator[Device]:
    with cuda_double() as double:
        yield double


def upload(memory: Memory) -> GpuMemory:
    keys, values = (torch.from_numpy(one).to('cuda') for one in (*memory.keys, *memory.values))
    return GpuMemory((keys,), (values,))


@pytest.fixture
def grounds(device: Device) -> Grounds:
    """Gives the sums of keys and of an image; and the graphs that it made."""
    stream, pool = torch.cuda.Stream(), torch.cuda.graph_pool_handle()
    static = StaticMemory([((1, 8, 1), (1, 8, 1))], [(torch.float32, torch.float32)])
    made: list[weakref.ref[CapturedGraph]] = []

    def bind(image: Tensor, memory: GpuMemory) -> CapturedGraph:
        (keys,) = memory.keys

        def run() -> list[Tensor]:
            return [keys.sum().reshape(1, 1, 1), image.sum().float().reshape(1), image.float()]

        graph = CapturedGraph(stream, image, run, pool)
        made.append(weakref.ref(graph))
        return graph

    return CapturedGraphs(stream, ResidentMemories(upload, 4), static, bind), made


def memory(value: float, length: int) -> Memory:
    keys = np.full((1, length, 1), value, np.float32)
    return Memory((keys,), (keys.copy(),))


def image(value: int, height: int = 2) -> np.ndarray:
    return np.full((height, 1, 3), value, np.uint8)


def sums(found: Callable[..., object], image: np.ndarray, memory: Memory) -> tuple[float, float]:
    heatmap, action = found(image, memory)[:2]
    return heatmap.item(), action.item()


def test_memories_and_images_of_any_shape_in_any_order(grounds: Grounds, device: Device) -> None:
    ground, _ = grounds
    one, same_length, longer = memory(1, 2), memory(10, 2), memory(100, 3)

    for _ in range(2):
        assert sums(ground, image(1), one) == (2, 6)
        assert sums(ground, image(2), same_length) == (20, 12)
        assert sums(ground, image(1), longer) == (300, 6)
        assert sums(ground, image(1, height=3), one) == (2, 9)

    assert device.captures == 3


def test_graphs_that_were_not_used_for_longest_go(
    grounds: Grounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(captured_graphs, '_MOST_GRAPHS', 2)
    ground, made = grounds
    memories = [memory(1, length) for length in (1, 2, 3)]
    for number in (0, 1, 0, 2):
        ground(image(1), memories[number])

    assert [graph() is not None for graph in made] == [True, False, True]


def test_a_memory_that_is_too_long_leaves_the_others_sound(grounds: Grounds) -> None:
    ground, _ = grounds
    one = memory(1, 2)
    ground(image(1), one)

    with pytest.raises(ValueError, match=r'shape of keys or values is .*; expected at most'):
        ground(image(1), memory(5, 9))

    assert sums(ground, image(1), one) == (2, 6)
