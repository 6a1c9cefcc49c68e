# SPDX-License-Identifier: Apache-2.0
"""Execution providers that are not there, and the settings of those that are."""

import sys
from dataclasses import replace
from pathlib import Path

import onnxruntime
import pytest

from afformer_core.errors import ModelFolderError
from afformer_core.runtime import sessions
from afformer_core.runtime.backends import open_networks
from afformer_core.runtime.graphs import read_graphs
from afformer_core.runtime.sessions.graph_shapes import ShapeRange
from afformer_core.runtime.sessions.onnxruntime_graphs import _providers, tensorrt_options

HAS_CUDA = 'CUDAExecutionProvider' in onnxruntime.get_available_providers()
without_cuda = pytest.mark.skipif(HAS_CUDA, reason='onnxruntime-gpu is installed')


@without_cuda
@pytest.mark.parametrize(
    ('backend', 'provider'),
    [
        ('onnxruntime-cuda', 'CUDAExecutionProvider'),
        ('onnxruntime-tensorrt', 'TensorrtExecutionProvider'),
    ],
)
def test_a_package_without_the_provider(small_folder: Path, backend: str, provider: str) -> None:
    with pytest.raises(
        ModelFolderError,
        match=rf'the execution providers of onnxruntime .* are .*CPUExecutionProvider; expected '
        rf"{provider} for backend '{backend}'. Install onnxruntime-gpu in place of",
    ):
        open_networks(small_folder, backend, 1)


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


def test_engines_are_kept_and_fit_demonstrations_of_all_lengths(
    small_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    graphs = read_graphs(small_folder)

    engines, cuda, cpu = _providers(graphs, 'memorize', 'onnxruntime-tensorrt')

    folder = tmp_path / 'afformer' / 'onnxruntime_tensorrt' / graphs.sha256['memorize'][:16]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert engines == (
        'TensorrtExecutionProvider',
        {
            'trt_engine_cache_enable': '1',
            'trt_engine_cache_path': str(folder),
            'trt_timing_cache_enable': '1',
            'trt_timing_cache_path': str(folder),
            'trt_fp16_enable': '0',
            'trt_profile_min_shapes': 'features:1x96x8x12',
            'trt_profile_opt_shapes': 'features:32x96x8x12',
            'trt_profile_max_shapes': 'features:32x96x8x12',
        },
    )
    assert cuda == ('CUDAExecutionProvider', {'use_tf32': '0'})
    assert cpu == ('CPUExecutionProvider', {})


def test_the_precision_of_engines_is_that_of_the_graphs(
    small_folder: Path, tmp_path: Path
) -> None:
    graphs = replace(read_graphs(small_folder), precision='fp16')
    shapes = {
        'keys_0': ShapeRange((3, 6, 5), (3, 12, 5), (3, 24, 5)),
        'values_0': ShapeRange((3, 6, 2), (3, 12, 2), (3, 24, 2)),
    }

    options = tensorrt_options(graphs, tmp_path, shapes)

    assert options['trt_fp16_enable'] == '1'
    assert options['trt_profile_opt_shapes'] == 'keys_0:3x12x5,values_0:3x12x2'


def test_openvino_is_not_installed(small_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'openvino', None)
    monkeypatch.delitem(sys.modules, f'{sessions.__name__}.openvino_graphs', raising=False)
    monkeypatch.delattr(sessions, 'openvino_graphs', raising=False)

    with pytest.raises(
        ModelFolderError,
        match=r"backend is 'openvino' and its package .*; expected openvino to be installed. Run: "
        r"pip install 'afformer\[openvino\]', or choose another backend",
    ):
        open_networks(small_folder, 'openvino', 1)
