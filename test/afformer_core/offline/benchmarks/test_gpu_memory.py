# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from afformer_core.offline.benchmarks.gpu_memory import PeakGpuMemory

MB = 2**20


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """A GPU of 8000 MB; what is free and what PyTorch reserved, in megabytes."""
    state = {'free': 7000, 'reserved': 100, 'most': 100}
    monkeypatch.setattr(torch.cuda, 'synchronize', lambda: None)
    monkeypatch.setattr(torch.cuda, 'reset_peak_memory_stats', lambda: None)
    monkeypatch.setattr(torch.cuda, 'mem_get_info', lambda: (state['free'] * MB, 8000 * MB))
    monkeypatch.setattr(torch.cuda, 'memory_reserved', lambda: state['reserved'] * MB)
    monkeypatch.setattr(torch.cuda, 'max_memory_reserved', lambda: state['most'] * MB)
    return state


def test_the_peak_counts_although_it_was_given_back(gpu: dict[str, int]) -> None:
    memory = PeakGpuMemory()

    gpu.update(free=6900, reserved=200, most=1500)

    assert memory.peak_megabytes() == 1500


def test_what_tensorrt_takes_itself_counts_and_what_was_taken_before_does_not(
    gpu: dict[str, int],
) -> None:
    memory = PeakGpuMemory()

    # 300 MB less are free, 100 of them PyTorch's.
    gpu.update(free=6700, reserved=200, most=250)

    assert memory.peak_megabytes() == 250 + 200


def test_what_others_give_back_is_not_subtracted(gpu: dict[str, int]) -> None:
    memory = PeakGpuMemory()

    gpu.update(free=7800)

    assert memory.peak_megabytes() == 100
