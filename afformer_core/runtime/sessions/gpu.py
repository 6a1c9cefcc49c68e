# SPDX-License-Identifier: Apache-2.0
"""The local NVIDIA GPU, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Gpu:
    """The local GPU.

    Attributes:
        name: name, such as 'Orin'.
        compute_capability: compute capability, such as (8, 7).
        multiprocessors: number of multiprocessors, such as 16 of a Jetson AGX Orin, 8 of an Orin
            Nano.
        memory: memory in gibibytes, rounded, since the share that the system keeps varies.
    """

    name: str
    compute_capability: tuple[int, int]
    multiprocessors: int
    memory: int


def gpu_at_hand() -> Gpu | None:
    """Return the GPU that PyTorch would use; None if there is none."""
    import torch

    if not torch.cuda.is_available():
        return None
    properties = torch.cuda.get_device_properties(torch.cuda.current_device())
    return Gpu(
        properties.name,
        (properties.major, properties.minor),
        properties.multi_processor_count,
        round(properties.total_memory / 2**30),
    )


def why_no_gpu() -> str:
    """Explain why PyTorch finds no GPU, and what to do, as the end of a sentence."""
    import torch

    if torch.version.cuda is None:
        return (
            f'PyTorch {torch.__version__} was built only for the CPU. If there is a GPU, install '
            'a PyTorch for CUDA; on a Jetson, the one by NVIDIA for its JetPack'
        )
    return (
        f'PyTorch {torch.__version__} for CUDA {torch.version.cuda} finds none. Check that '
        'nvidia-smi lists one and that CUDA_VISIBLE_DEVICES does not hide it'
    )
