# SPDX-License-Identifier: Apache-2.0
"""Detection of errors after which this process can no longer use the GPU.

After an illegal access, an uncorrectable memory error or a reset, every later call to CUDA in this
process fails with the same error. Only another process can use the GPU again.
"""

from __future__ import annotations

from afformer_core.errors import EngineError

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
