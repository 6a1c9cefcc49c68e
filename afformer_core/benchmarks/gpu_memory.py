# SPDX-License-Identifier: Apache-2.0
"""Peak GPU memory of a process."""

from __future__ import annotations

import torch


class GpuMemory:
    """What this process takes of the GPU's memory from now on, without its CUDA context."""

    def __init__(self) -> None:
        # The first synchronisation makes the context.
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        self._before = _outside_pytorch()

    def peak_megabytes(self) -> float:
        """The most that PyTorch reserved, and what others took besides, such as TensorRT.

        What other processes took meanwhile cannot be told from that.
        """
        besides = max(0, _outside_pytorch() - self._before)
        return (torch.cuda.max_memory_reserved() + besides) / 2**20


def _outside_pytorch() -> int:
    free, total = torch.cuda.mem_get_info()
    return total - free - torch.cuda.memory_reserved()
