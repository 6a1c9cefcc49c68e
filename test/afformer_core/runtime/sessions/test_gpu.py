# SPDX-License-Identifier: Apache-2.0
"""Reports of a GPU, and of a PyTorch that finds none."""

import re
from types import SimpleNamespace

import pytest
import torch

from afformer_core.runtime.sessions.gpu import gpu_at_hand, why_no_gpu


def test_what_tells_two_gpus_of_one_name_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    properties = SimpleNamespace(
        name='Orin', major=8, minor=7, multi_processor_count=8, total_memory=7_620 * 2**20
    )
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'current_device', lambda: 0)
    monkeypatch.setattr(torch.cuda, 'get_device_properties', lambda device: properties)

    assert gpu_at_hand() == 'Orin, compute capability 8.7, 8 multiprocessors, 7 GiB'


@pytest.mark.parametrize(
    ('cuda', 'reason'),
    [
        (None, 'was built only for the CPU.*install a PyTorch for CUDA'),
        ('12.6', 'for CUDA 12.6 finds none. Check that nvidia-smi'),
    ],
)
def test_a_pytorch_that_finds_none_says_why(
    monkeypatch: pytest.MonkeyPatch, cuda: str | None, reason: str
) -> None:
    monkeypatch.setattr(torch.version, 'cuda', cuda)

    assert re.search(reason, why_no_gpu(), re.DOTALL)
