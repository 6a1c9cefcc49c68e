# SPDX-License-Identifier: Apache-2.0
"""Errors after which the GPU is lost to this process.

After an illegal access, an uncorrectable memory error or a reset, every later call into CUDA fails
with the same error, whoever makes it; only another process can use the GPU again.
"""

from __future__ import annotations

from collections.abc import Iterator

from afformer_core.errors import EngineError

_WORDS = ('CUDA error', 'CUDA driver error', 'cuDNN error', 'CUBLAS_STATUS', 'CUDNN_STATUS')


def is_device_lost(error: BaseException) -> bool:
    """Tell whether the GPU can compute nothing more after an error that a session raised.

    An error that may come of the GPU is followed by a question to the GPU itself, since most of
    them, such as one of a lack of memory, pass.
    """
    return any(_may_come_of_the_gpu(one) for one in _causes(error)) and not _gpu_answers()


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and those that it was raised for."""
    following: BaseException | None = error
    while following is not None:
        yield following
        following = following.__cause__ or following.__context__


def _may_come_of_the_gpu(error: BaseException) -> bool:
    # PyTorch before 2.8 has no type for them.
    is_its_own = type(error).__name__ == 'AcceleratorError' or isinstance(error, EngineError)
    return is_its_own or (
        isinstance(error, RuntimeError) and any(words in str(error) for words in _WORDS)
    )


def _gpu_answers() -> bool:
    import torch

    try:
        torch.cuda.synchronize()
    # Without a driver it is an AssertionError.
    except (RuntimeError, AssertionError):
        return False
    return True
