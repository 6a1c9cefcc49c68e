# SPDX-License-Identifier: Apache-2.0
"""The local NVIDIA GPU, or the reason why there is none."""

from __future__ import annotations


def gpu_at_hand() -> str:
    """Describe the GPU that PyTorch would use, so that engines of others differ; '' without one.

    Several GPUs share a name such as Orin; multiprocessors and memory tell them apart.
    """
    import torch

    if not torch.cuda.is_available():
        return ''
    gpu = torch.cuda.get_device_properties(torch.cuda.current_device())
    # Rounded, since the share that the system keeps varies.
    memory = round(gpu.total_memory / 2**30)
    return (
        f'{gpu.name}, compute capability {gpu.major}.{gpu.minor}, {gpu.multi_processor_count} '
        f'multiprocessors, {memory} GiB'
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
