# SPDX-License-Identifier: Apache-2.0
"""Engines of both architectures, compiled for GPUs that are not here."""

import shutil
import types
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('tensorrt_rtx_bindings', reason='TensorRT for RTX is not installed')

from afformer_core.errors import EngineError
from afformer_core.models.presets import small_matching
from afformer_core.runtime.export.export import export_graphs
from afformer_core.runtime.graphs import read_graphs
from afformer_core.runtime.model_folder import (
    DECODER_GRAPHS,
    read_description,
    read_matching_description,
)
from afformer_core.runtime.sessions.gpu import gpu_at_hand
from afformer_core.runtime.sessions.graph_shapes import ShapeRange, shape_ranges
from afformer_core.runtime.tensorrt.builder import (
    BuildSettings,
    Recipe,
    build_engine,
)
from afformer_core.runtime.tensorrt.engines import engine_key, obtain_engines
from afformer_core.runtime.tensorrt.library import trt
from afformer_core.runtime.weights import save_matching_network

from ...conftest import random_matching_network

EXACT = Recipe.of('fp32')
AMPERE, ADA = BuildSettings((8, 6)), BuildSettings((8, 9))


@pytest.fixture(scope='session', params=['small', pytest.param('r50', marks=pytest.mark.slow)])
def half_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Either model, exported in fp16 too."""
    folder = tmp_path_factory.mktemp('half') / 'model'
    shutil.copytree(request.getfixturevalue(f'{request.param}_folder'), folder)
    export_graphs(folder, 'fp16')
    return folder


@pytest.mark.parametrize(
    ('precision', 'settings'),
    [
        pytest.param('fp32', AMPERE, id='fp32-8.6'),
        pytest.param('fp16', ADA, id='fp16-8.9'),
        pytest.param('fp32', ADA, id='fp32-8.9', marks=pytest.mark.slow),
        pytest.param('fp16', AMPERE, id='fp16-8.6', marks=pytest.mark.slow),
    ],
)
def test_a_model_is_compiled_and_found_again(
    half_folder: Path, precision: str, settings: BuildSettings, tmp_path: Path
) -> None:
    graphs = read_graphs(half_folder, precision)
    description = read_description(half_folder)
    lines: list[str] = []

    def obtain() -> dict[str, bytes]:
        return obtain_engines(half_folder, graphs, description, settings, tmp_path, lines.append)

    engines = obtain()

    assert engines.keys() == set(DECODER_GRAPHS)
    assert all(len(engine.serialized) > 10_000 for engine in engines.values())
    assert sum('done with' in line for line in lines) == 4
    assert obtain() == engines
    assert sum('done with' in line for line in lines) == 4


@pytest.mark.slow
def test_a_matching_network_is_compiled(tmp_path: Path) -> None:
    folder = tmp_path / 'model'
    save_matching_network(folder, random_matching_network(small_matching((64, 64))), {})
    export_graphs(folder)
    export_graphs(folder, 'fp16')
    graphs = read_graphs(folder, 'fp16')
    description = read_matching_description(folder)

    engines = obtain_engines(folder, graphs, description, AMPERE, tmp_path, print)

    # The contact head runs on the CPU.
    assert engines.keys() == {'encode'}


def test_what_the_key_says(half_folder: Path) -> None:
    graphs = read_graphs(half_folder, 'fp16')
    description = read_description(half_folder)
    configuration = description.configuration
    ranges = shape_ranges(description)['decode']

    key = engine_key(graphs, 'decode', ranges, AMPERE, None)

    assert (key.library, key.gpu, key.compute_capability) == ('TensorRT-RTX', '', '8.6')
    assert key.graph_sha256 == graphs.sha256['decode']
    rows, columns = configuration.feature_size
    head = configuration.channels // configuration.heads
    smallest, _, _ = key.shapes['keys_0']
    assert smallest == [configuration.heads, rows * columns, head + rows + columns]


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


class RecordingBuilder:
    """TensorRT's builder, which notes the flags that it builds with."""

    def __init__(self, flags: dict[str, bool], logger: Any) -> None:
        self._flags = flags
        self._builder = trt.Builder(logger)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._builder, name)

    def build_serialized_network(self, network: Any, config: Any) -> bytes:
        for name in ('TF32', 'REQUIRE_USER_ALLOCATION'):
            self._flags[name] = config.get_flag(getattr(trt.BuilderFlag, name))
        return b'engine'


@pytest.mark.parametrize(
    ('base', 'allows_tf32'), [('fp32', False), ('fp16', True), ('bf16', True)]
)
def test_fp32_is_not_rounded_and_engines_can_be_captured(
    small_folder: Path, monkeypatch: pytest.MonkeyPatch, base: str, allows_tf32: bool
) -> None:
    flags: dict[str, bool] = {}
    module = types.SimpleNamespace(**vars(trt) | {'Builder': partial(RecordingBuilder, flags)})
    monkeypatch.setattr('afformer_core.runtime.tensorrt.builder.trt', module)
    graph = read_graphs(small_folder).path('memorize')

    build_engine(graph, {}, AMPERE, Recipe.of(base), print)

    assert flags == {'TF32': allows_tf32, 'REQUIRE_USER_ALLOCATION': True}


def test_a_gpu_that_is_not_known(small_folder: Path) -> None:
    graph = read_graphs(small_folder).path('memorize')

    with pytest.raises(EngineError, match=r'compute capability is 3.5; expected one .*: 8.0, 8.6'):
        build_engine(graph, {}, BuildSettings((3, 5)), EXACT, print)


@pytest.mark.parametrize('graph', ['memorize', 'decode'])
def test_turing_has_no_products_of_fp32(
    small_folder: Path, monkeypatch: pytest.MonkeyPatch, graph: str
) -> None:
    """Otherwise it need not be refused by name."""
    monkeypatch.setattr('afformer_core.runtime.tensorrt.builder._OLDEST_CAPABILITY', (7, 5))
    shapes = shape_ranges(read_description(small_folder))[graph]

    with pytest.raises(EngineError, match=r'for Turing \(SM75\): FP32'):
        build_engine(
            read_graphs(small_folder).path(graph), shapes, BuildSettings((7, 5)), EXACT, print
        )


def test_a_graph_that_is_none(tmp_path: Path) -> None:
    graph = tmp_path / 'decode.onnx'
    graph.write_bytes(b'no graph')
    lines: list[str] = []

    with pytest.raises(EngineError, match=r'does not accept .*decode.onnx'):
        build_engine(graph, {}, AMPERE, EXACT, lines.append)

    assert lines[0] == 'compiling decode.onnx'
    assert lines[-1].startswith('gave up decode.onnx after ')


def test_a_graph_that_was_written_again_is_not_compiled_for_the_key_of_before(
    small_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / 'model'
    shutil.copytree(small_folder, folder)
    graphs = read_graphs(folder)
    shutil.copy(graphs.path('memorize'), graphs.path('encode_frames'))
    description = read_description(folder)

    with pytest.raises(EngineError, match=r'encode_frames\.onnx changed while'):
        obtain_engines(folder, graphs, description, AMPERE, tmp_path / 'cache', print)

    assert not list((tmp_path / 'cache').rglob('*.engine'))


def test_shapes_that_do_not_fit_the_graph(small_folder: Path) -> None:
    graph = read_graphs(small_folder).path('memorize')

    with pytest.raises(EngineError, match=r'cannot compile .*memorize.onnx: '):
        build_engine(graph, {}, AMPERE, EXACT, print)


@pytest.mark.parametrize(
    'shapes', [((0, 3), (1, 3), (2, 3)), ((2,), (1,), (4,)), ((1,), (5,), (4,))]
)
def test_a_range_that_is_none(shapes: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ValueError, match='expected sizes above 0 that do not decrease'):
        ShapeRange(*shapes)


def test_a_workspace_that_is_none() -> None:
    with pytest.raises(ValueError, match='expected at least 0'):
        BuildSettings(workspace=-1)


def test_every_five_seconds_it_says_that_it_still_compiles(
    small_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('afformer_core.runtime.tensorrt.builder.HEARTBEAT', 0.05)
    lines: list[str] = []

    build_engine(
        read_graphs(small_folder).path('decode'),
        shape_ranges(read_description(small_folder))['decode'],
        AMPERE,
        EXACT,
        lines.append,
    )

    assert len([line for line in lines if line.startswith('compiling decode.onnx: ')]) >= 2


@pytest.mark.gpu
@pytest.mark.skipif(gpu_at_hand() is None, reason='no NVIDIA GPU is here')
def test_engines_give_what_the_model_gives(
    half_folder: Path, tmp_path: Path, images: Callable[..., object]
) -> None:
    from afformer_core.runtime.tensorrt.session import TensorRTSession

    for precision in ('fp32', 'fp16'):
        TensorRTSession.load(half_folder, precision, print, cache=tmp_path)
