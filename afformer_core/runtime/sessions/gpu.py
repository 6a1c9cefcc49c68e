# SPDX-License-Identifier: Apache-2.0
"""The local NVIDIA GPU: its description, the reason why there is none, and its loss.

After an illegal access, an uncorrectable memory error or a reset, every later call to CUDA in this
process fails with the same error. Only another process can use the GPU again.
"""

from __future__ import annotations

from afformer_core.errors import EngineError


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


_WORDS = (
    'CUDA error',
    'CUDA failure',
    'CUDA driver error',
    'cuDNN error',
    'CUBLAS_STATUS',
    'CUDNN_STATUS',
)


def is_device_lost(error: BaseException) -> bool:
    """Check whether the GPU is lost after an error that a session raised.

    If the error may come from the GPU, the GPU is tested, because it remains usable after most
    such errors, for example a lack of memory.
    """
    following: BaseException | None = error
    while following is not None:
        if _may_come_of_the_gpu(following):
            return not _gpu_answers()
        following = following.__cause__ or following.__context__
    return False


def _may_come_of_the_gpu(error: BaseException) -> bool:
    # PyTorch before 2.8 has no type for errors of the GPU, so the message is checked.
    is_its_own = type(error).__name__ == 'AcceleratorError' or isinstance(error, EngineError)
    # The errors of ONNX Runtime are no RuntimeErrors.
    may_tell = isinstance(error, RuntimeError) or type(error).__module__.startswith('onnxruntime')
    return is_its_own or (may_tell and any(words in str(error) for words in _WORDS))


def _gpu_answers() -> bool:
    import torch

    try:
        torch.cuda.synchronize()
    # Without a driver PyTorch raises an AssertionError.
    except (RuntimeError, AssertionError):
        return False
    return True
