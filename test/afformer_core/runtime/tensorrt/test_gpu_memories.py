# SPDX-License-Identifier: Apache-2.0
"""Memories on the GPU: how long they stay there, and what captured graphs read."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from cuda_double import Device

from afformer_core.models import afformer_small
from afformer_core.runtime.memories.recent_copies import RecentCopies
from afformer_core.runtime.session import Memory
from afformer_core.runtime.tensorrt.gpu_memories import (
    GpuMemory,
    StaticMemory,
    most_resident,
)

KINDS = [(torch.float32, torch.float32)]
pytestmark = pytest.mark.usefixtures('device')


def memory(value: float, length: int = 2) -> Memory:
    return Memory(
        (np.full((1, length, 3), value, np.float32),),
        (np.full((1, length, 2), value, np.float32),),
    )


def upload(memory: Memory) -> GpuMemory:
    return GpuMemory(
        tuple(torch.from_numpy(one.copy()).to('cuda') for one in memory.keys),
        tuple(torch.from_numpy(one.copy()).to('cuda') for one in memory.values),
    )


def test_a_memory_goes_with_its_owner(device: Device) -> None:
    resident = RecentCopies(upload, 2)
    one = memory(1)
    resident.of(one)
    before = device.gpu.allocated

    del one

    assert len(resident) == 0
    assert device.gpu.allocated < before


def test_the_buffers_hold_the_last_memory_at_one_address() -> None:
    static = StaticMemory([((1, 4, 3), (1, 4, 2))], KINDS)
    one, other = upload(memory(1, 2)), upload(memory(2, 4))
    short, long = static.view(one.shapes), static.view(other.shapes)
    assert (
        short.keys[0].data_ptr()
        == long.keys[0].data_ptr()
        == static.view(one.shapes).keys[0].data_ptr()
    )

    found = []
    for held in (one, other, one, one):
        static.hold(held)
        view = short if held is one else long
        found.append(
            [view.keys[0].cpu().unique().tolist(), view.values[0].cpu().unique().tolist()]
        )

    assert found == [[[1], [1]], [[2], [2]], [[1], [1]], [[1], [1]]]


def test_a_memory_is_copied_again_only_where_another_stood() -> None:
    static = StaticMemory([((1, 4, 3), (1, 4, 2))], KINDS)
    one = upload(memory(1, 2))
    static.hold(one)
    static.view(one.shapes).keys[0].fill_(7)

    static.hold(one)
    assert static.view(one.shapes).keys[0].cpu().unique().tolist() == [7]
    static.hold(upload(memory(2, 2)))
    static.hold(one)
    assert static.view(one.shapes).keys[0].cpu().unique().tolist() == [1]


def test_another_memory_at_the_slot_of_one_that_went_is_copied() -> None:
    static = StaticMemory([((1, 4, 3), (1, 4, 2))], KINDS)
    for value in range(4):
        static.hold(upload(memory(value, 2)))
        shapes = [((1, 2, 3), (1, 2, 2))]
        assert static.view(shapes).keys[0].cpu().unique().tolist() == [value]


def test_a_memory_of_too_many_frames() -> None:
    static = StaticMemory([((1, 4, 3), (1, 4, 2))], KINDS)

    with pytest.raises(ValueError, match=r'shape of keys or values is \(1, 5, 3\); expected'):
        static.hold(upload(memory(1, 5)))


@pytest.mark.parametrize(('frames', 'bytes_per_number', 'count'), [(8, 4, 115), (8, 2, 231)])
def test_how_many_fit_into_an_eighth_of_the_gpu(
    frames: int, bytes_per_number: int, count: int
) -> None:
    configuration = replace(afformer_small(('press',), (192, 192)), maximum_frames=frames)

    assert most_resident(configuration, bytes_per_number) == count


def test_the_zoom_stages_of_one_demonstration_fit_anyway() -> None:
    configuration = replace(afformer_small(('press',), (1024, 1024)), maximum_frames=512)

    assert most_resident(configuration, 4) == 4
