# SPDX-License-Identifier: Apache-2.0
"""A GPU is lost where an error of it was raised, and it does not answer any more."""

import pytest
import torch
from onnxruntime.capi.onnxruntime_pybind11_state import Fail

from afformer_core.errors import EngineError, ImageError
from afformer_core.runtime.sessions.device_loss import is_device_lost


class Device:
    """Stands for CUDA; raises what a lost device does."""

    def __init__(self) -> None:
        self.error: Exception | None = None

    def synchronize(self) -> None:
        if self.error is not None:
            raise self.error


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    double = Device()
    monkeypatch.setattr(torch.cuda, 'synchronize', double.synchronize)
    return double


STICKY = 'CUDA error: an illegal memory access was encountered'


@pytest.mark.parametrize(
    'error',
    [
        RuntimeError(STICKY),
        torch.AcceleratorError(STICKY),
        RuntimeError('cuDNN error: CUDNN_STATUS_INTERNAL_ERROR'),
        EngineError('TensorRT cannot run the engine of ground'),
        Fail('CUDA failure 700: an illegal memory access was encountered ; GPU=0'),
    ],
)
def test_an_error_of_a_gpu_that_does_not_answer(device: Device, error: Exception) -> None:
    assert not is_device_lost(error)

    device.error = torch.AcceleratorError(STICKY)

    assert is_device_lost(error)


def test_an_error_that_was_raised_for_one_of_the_gpu(device: Device) -> None:
    device.error = RuntimeError(STICKY)

    error = ValueError('no grounding')
    error.__cause__ = RuntimeError(STICKY)

    assert is_device_lost(error)


@pytest.mark.parametrize('error', [ImageError('no image'), RuntimeError('a shape'), ValueError()])
def test_an_error_of_something_else(device: Device, error: Exception) -> None:
    device.error = RuntimeError(STICKY)

    assert not is_device_lost(error)


@pytest.mark.skipif(torch.cuda.is_available(), reason='a GPU is here')
def test_a_gpu_that_is_not_there() -> None:
    assert is_device_lost(RuntimeError(STICKY))
