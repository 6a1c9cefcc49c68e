# SPDX-License-Identifier: Apache-2.0
"""Every name of the TensorRT API that is used exists; all are in the manuals of 10.3 and 11."""

import sys
from types import ModuleType

import pytest

pytest.importorskip('tensorrt_rtx_bindings', reason='TensorRT for RTX is not installed')

from afformer_core.runtime.tensorrt.library import (
    TensorRTMissingError,
    find_library,
    trt,
)

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
