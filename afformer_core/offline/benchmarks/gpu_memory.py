# SPDX-License-Identifier: Apache-2.0
"""The peak GPU memory of a process."""

from __future__ import annotations

import torch


class PeakGpuMemory:
    """The GPU memory that this process allocates from now on, without its CUDA context."""

    def __init__(self) -> None:
        # the first synchronisation creates the context
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        self._before = _outside_pytorch()

    def peak_megabytes(self) -> float:
        """Return the peak reserved by PyTorch, plus allocations of others such as TensorRT.

        Allocations of other processes are included, because they cannot be distinguished.
        """
        besides = max(0, _outside_pytorch() - self._before)
        return (torch.cuda.max_memory_reserved() + besides) / 2**20


def _outside_pytorch() -> int:
    free, total = torch.cuda.mem_get_info()
    return total - free - torch.cuda.memory_reserved()
