# SPDX-License-Identifier: Apache-2.0
"""Libraries and execution providers that are not there."""

import sys
from pathlib import Path

import onnxruntime
import pytest

from afformer_core.errors import ModelFolderError
from afformer_core.runtime import sessions
from afformer_core.runtime.backends import open_networks

HAS_CUDA = 'CUDAExecutionProvider' in onnxruntime.get_available_providers()
without_cuda = pytest.mark.skipif(HAS_CUDA, reason='onnxruntime-gpu is installed')


@without_cuda
def test_a_package_without_the_provider(small_folder: Path) -> None:
    with pytest.raises(
        ModelFolderError,
        match=r'the execution providers of onnxruntime .* are .*CPUExecutionProvider; expected '
        r"CUDAExecutionProvider for backend 'onnxruntime-cuda'. Install onnxruntime-gpu in place",
    ):
        open_networks(small_folder, 'onnxruntime-cuda', 1)


@without_cuda
def test_a_provider_that_leaves_the_work_to_the_cpu(
    small_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxruntime, 'get_available_providers', lambda: ['CUDAExecutionProvider'])

    with (
        pytest.warns(UserWarning, match='CUDAExecutionProvider'),
        pytest.raises(
            ModelFolderError,
            match=r'is CPUExecutionProvider; expected CUDAExecutionProvider\. Check that nvidia',
        ),
    ):
        open_networks(small_folder, 'onnxruntime-cuda', 1)


def test_openvino_is_not_installed(small_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'openvino', None)
    monkeypatch.delitem(sys.modules, f'{sessions.__name__}.openvino_graphs', raising=False)
    monkeypatch.delattr(sessions, 'openvino_graphs', raising=False)

    with pytest.raises(
        ModelFolderError,
        match=r"backend 'openvino' cannot be used: import of openvino halted.* Install it or",
    ):
        open_networks(small_folder, 'openvino', 1)
