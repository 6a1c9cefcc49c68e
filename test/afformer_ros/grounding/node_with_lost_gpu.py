# SPDX-License-Identifier: Apache-2.0
"""The grounding node on a GPU that is lost at the third image, a real one or a double.

AFFORMER_TEST_GPU=double python node_with_lost_gpu.py --ros-args -p backend:=torch-cuda ...
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from afformer_core.runtime import self_test
from afformer_core.runtime.session import Decoded, EncodedLevels, Memory
from afformer_core.runtime.sessions.torch_session import TorchSession
from afformer_ros.executables.grounding import main

_IMAGES_BEFORE = 2
_IS_REAL = os.environ['AFFORMER_TEST_GPU'] == 'real'
_load = TorchSession.load
_self_test = self_test.self_test


def _lose_the_gpu(call: int) -> None:
    if _IS_REAL:
        if call == _IMAGES_BEFORE:
            # An assertion on the device, after which the process cannot use it any more.
            torch.zeros(1, device='cuda')[torch.tensor([1], device='cuda')]
    elif call >= _IMAGES_BEFORE:
        raise torch.AcceleratorError('CUDA error: an illegal memory access was encountered')


class _LosingSession:
    """Grounds by another session until the GPU is lost; what the self-test grounds is no image."""

    backend = 'torch-cuda'
    tested = False

    def __init__(self, session: Any) -> None:
        self._session = session
        self._calls = 0

    def encode_frames(self, frames: np.ndarray) -> np.ndarray:
        return self._session.encode_frames(frames)

    def memorize(self, features: np.ndarray) -> Memory:
        return self._session.memorize(features)

    def encode_image(self, image: np.ndarray) -> EncodedLevels:
        if self.tested:
            _lose_the_gpu(self._calls)
            self._calls += 1
        return self._session.encode_image(image)

    def decode(self, image: EncodedLevels, memory: Memory) -> Decoded:
        return self._session.decode(image, memory)


def load(
    folder: Path, threads: int = 0, precision: str = 'fp32', device: str = 'cpu'
) -> TorchSession | _LosingSession:
    if device == 'cpu':
        return _load(folder, threads, precision)
    return _LosingSession(_load(folder, threads, precision, device) if _IS_REAL else _load(folder))


def test_before_losing(*arguments: Any) -> Any:
    differences = _self_test(*arguments)
    _LosingSession.tested = True
    return differences


if __name__ == '__main__':
    self_test.self_test = test_before_losing
    TorchSession.load = load
    sys.exit(main())
