# SPDX-License-Identifier: Apache-2.0
"""The library that is used, graphs that are compiled, and those that are refused."""

from __future__ import annotations

import sys
import types
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip('tensorrt_rtx_bindings', reason='TensorRT for RTX is not installed')

from afformer_core.errors import EngineError
from afformer_core.models import small_matching
from afformer_core.runtime.graphs import read_graphs
from afformer_core.runtime.matching.matching import compared_sizes
from afformer_core.runtime.model_folder import MatchingDescription, read_description
from afformer_core.runtime.tensorrt.builder import (
    TensorRTMissingError,
    build_engine,
    find_library,
    shape_ranges,
    trt,
)

Size = tuple[int, int]


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
    ('precision', 'allows_tf32'), [('fp32', False), ('fp16', True), ('bf16', True)]
)
def test_fp32_is_not_rounded_and_engines_can_be_captured(
    small_folder: Path, monkeypatch: pytest.MonkeyPatch, precision: str, allows_tf32: bool
) -> None:
    flags: dict[str, bool] = {}
    module = types.SimpleNamespace(**vars(trt) | {'Builder': partial(RecordingBuilder, flags)})
    monkeypatch.setattr('afformer_core.runtime.tensorrt.builder.trt', module)
    lines: list[str] = []

    build_engine(read_graphs(small_folder).path('memorize'), {}, precision, lines.append)

    assert flags == {'TF32': allows_tf32, 'REQUIRE_USER_ALLOCATION': True}
    assert [line[:23] for line in lines] == ['compiling memorize.onnx', 'done with memorize.onnx']


@pytest.mark.parametrize(
    ('content', 'reason'),
    [
        (b'no graph', r'does not accept .*memorize\.onnx: '),
        # Shapes that are not fixed have no range.
        (None, r'cannot compile .*memorize\.onnx'),
    ],
)
def test_what_is_refused(copied_folder: Path, content: bytes | None, reason: str) -> None:
    graph = read_graphs(copied_folder).path('memorize')
    if content is not None:
        graph.write_bytes(content)

    with pytest.raises(EngineError, match=reason):
        build_engine(graph, {}, 'fp32', print)


def test_weights_that_are_stored_in_int8_are_compiled(tmp_path: Path) -> None:
    onnx = pytest.importorskip('onnx')
    graph = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 18]> stored (float[1, 2] x) => (float[1, 2] y)'
        '<int8[1, 2] w = {-3, 7}> { v = Cast<to: int = 1>(w) y = Mul(x, v) }'
    )
    onnx.save(graph, tmp_path / 'stored.onnx', save_as_external_data=True, size_threshold=0)

    assert len(build_engine(tmp_path / 'stored.onnx', {}, 'fp32', print)) > 1000


def test_memories_have_any_length(small_folder: Path) -> None:
    description = read_description(small_folder)
    configuration = description.configuration
    rows, columns = configuration.feature_size
    head = configuration.channels // configuration.heads

    keys = shape_ranges(description)['decode']['keys_0']

    assert keys.smallest == (configuration.heads, rows * columns, head + rows + columns)
    assert keys.usual == keys.largest
    assert keys.largest[1] > keys.smallest[1]


@pytest.mark.parametrize(
    ('long_sides', 'smallest', 'usual', 'largest'),
    [
        ((), (128, 192), (128, 192), (128, 192)),
        ((96, 256), (32, 32), (192, 256), (256, 256)),
        ((96, 128), (32, 32), (96, 128), (192, 192)),
    ],
)
def test_images_have_any_aspect_at_each_scale(
    long_sides: tuple[int, ...], smallest: Size, usual: Size, largest: Size
) -> None:
    configuration = replace(small_matching((128, 192)), long_sides=long_sides)

    ranges = shape_ranges(MatchingDescription(configuration, 'abc', {}))

    expected = ((1, *smallest, 3), (1, *usual, 3), (8, *largest, 3))
    assert ranges == {'encode': {'images': expected}}
    for image in ((1, 900), (900, 1), (300, 400), (1, 1)):
        for scale in compared_sizes(configuration, image):
            for low, side, high in zip(smallest, scale, largest, strict=True):
                assert low <= side <= high


# All are in the manuals of 10.3 and 11.
USED = """
Builder build_serialized_network create_builder_config create_network create_optimization_profile
DataType FLOAT HALF BF16 UINT8 INT32 INT64
IBuilderConfig add_optimization_profile clear_flag set_flag
ICudaEngine create_execution_context get_tensor_dtype get_tensor_mode get_tensor_name
IExecutionContext execute_async_v3 get_tensor_shape set_input_shape set_tensor_address
IOptimizationProfile set_shape
Logger ERROR
OnnxParser get_error num_errors parse
ParserError desc
Runtime deserialize_cuda_engine
TensorIOMode INPUT
"""


@pytest.mark.parametrize('line', USED.strip().splitlines())
def test_it_is_there(line: str) -> None:
    owner, *names = line.split()
    assert [name for name in names if not hasattr(getattr(trt, owner), name)] == []


def library(name: str, version: str) -> ModuleType:
    module = ModuleType(name)
    module.__version__ = version
    module.Builder = object
    return module


def test_a_library_that_is_too_old_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'tensorrt', library('tensorrt', '8.6.2'))
    for other in ('tensorrt_rtx', 'tensorrt_rtx_bindings'):
        monkeypatch.setitem(sys.modules, other, None)

    with pytest.raises(TensorRTMissingError, match=r'TensorRT 10\.1 or later .*TensorRT 8\.6\.2'):
        find_library()


@pytest.mark.parametrize(
    ('name', 'version'), [('tensorrt', '10.1.0'), ('tensorrt_rtx', '1.2.0.54')]
)
def test_a_library_that_is_new_enough(
    monkeypatch: pytest.MonkeyPatch, name: str, version: str
) -> None:
    monkeypatch.setitem(sys.modules, 'tensorrt', library('tensorrt', '8.6.2'))
    monkeypatch.setitem(sys.modules, name, library(name, version))

    assert find_library() is sys.modules[name]
