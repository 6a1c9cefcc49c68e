# SPDX-License-Identifier: Apache-2.0
"""Engines of a model, compiled from the graphs that were exported."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytest.importorskip('tensorrt_rtx_bindings', reason='TensorRT for RTX is not installed')

from afformer_core.errors import ModelFolderError
from afformer_core.models.presets import small_matching
from afformer_core.runtime.export.export import export_graphs
from afformer_core.runtime.graphs import read_graphs
from afformer_core.runtime.model_folder import DECODER_GRAPHS, read_description
from afformer_core.runtime.sessions.gpu import gpu_at_hand
from afformer_core.runtime.tensorrt import compiled_model
from afformer_core.runtime.tensorrt.builder import GraphRefusedError, trt
from afformer_core.runtime.tensorrt.compiled_model import compile_model
from afformer_core.runtime.weights import save_matching_network

from ...conftest import random_matching_network

# Exporting in half precision takes half a minute.
pytestmark = pytest.mark.slow


def test_auto_is_fp16_if_it_was_exported(
    half_folder: Path, copied_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled_model, 'build_engine', lambda *rest: b'engine')
    lines: list[str] = []

    found = [
        compile_model(folder, 'auto', tmp_path / 'cache', lines.append).graphs.precision
        for folder in (half_folder, copied_folder)
    ]

    assert found == ['fp16', 'fp32']
    assert [line.partition(' computes in ')[2] for line in lines] == [
        'fp16',
        f'fp32; for fp16 run: afformer export {copied_folder} --precision fp16',
    ]
    with pytest.raises(ModelFolderError, match='--precision fp16'):
        compile_model(copied_folder, 'fp16', tmp_path / 'cache', print)


@pytest.mark.parametrize('precision', ['fp16', 'fp32'])
def test_a_graph_that_is_refused_may_need_another_opset(
    half_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    def refuse(*anything: object) -> bytes:
        raise GraphRefusedError('no kernel for Attention')

    monkeypatch.setattr(compiled_model, 'build_engine', refuse)

    with pytest.raises(GraphRefusedError, match='no kernel for Attention') as raised:
        compile_model(half_folder, precision, tmp_path / 'cache', print)

    command = f'run: afformer export {half_folder} --precision fp16 --opset 18'
    assert str(raised.value).endswith(command) == (precision == 'fp16')


@pytest.fixture(scope='session', params=['small', 'r50'])
def half_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Either model, exported in fp16 too."""
    folder = tmp_path_factory.mktemp('half') / 'model'
    shutil.copytree(request.getfixturevalue(f'{request.param}_folder'), folder)
    export_graphs(folder, 'fp16')
    return folder


@pytest.mark.parametrize('precision', ['fp32', 'fp16'])
def test_a_model_is_compiled_and_found_again(
    half_folder: Path, precision: str, tmp_path: Path
) -> None:
    lines: list[str] = []

    engines = compile_model(half_folder, precision, tmp_path, lines.append).engines

    assert engines.keys() == set(DECODER_GRAPHS)
    assert all(len(engine) > 10_000 for engine in engines.values())
    assert sum('done with' in line for line in lines) == 4
    assert compile_model(half_folder, precision, tmp_path, lines.append).engines == engines
    assert sum('done with' in line for line in lines) == 4


def test_a_matching_network_is_compiled(tmp_path: Path) -> None:
    folder = tmp_path / 'model'
    save_matching_network(folder, random_matching_network(small_matching((64, 64))), {})
    export_graphs(folder, 'fp16')

    # The contact head runs on the CPU.
    assert compile_model(folder, 'fp16', tmp_path, print).engines.keys() == {'encode'}


def test_every_attention_is_one_fused_layer(half_folder: Path) -> None:
    configuration = read_description(half_folder).configuration
    logger = trt.Logger(trt.Logger.ERROR)
    network = trt.Builder(logger).create_network(0)
    parser = trt.OnnxParser(network, logger)

    assert parser.parse(read_graphs(half_folder, 'fp16').path('decode').read_bytes())

    kinds = [network.get_layer(index).type for index in range(network.num_layers)]
    inputs = [index for index, kind in enumerate(kinds) if kind == trt.LayerType.ATTENTION_INPUT]
    assert len(inputs) == 2 * len(configuration.image_levels)
    for index in inputs:
        layer = network.get_layer(index)
        layer.__class__ = trt.IAttentionInputLayer
        # What is not decomposable becomes one kernel, or does not compile.
        assert not layer.attention.decomposable


@pytest.mark.gpu
@pytest.mark.skipif(not gpu_at_hand(), reason='no NVIDIA GPU is here')
def test_engines_give_what_the_model_gives(half_folder: Path, tmp_path: Path) -> None:
    from afformer_core.runtime.tensorrt.session import open_engines

    for precision in ('fp32', 'fp16'):
        open_engines(half_folder, precision, print, tmp_path)
