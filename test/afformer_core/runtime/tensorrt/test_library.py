# SPDX-License-Identifier: Apache-2.0
"""Every name of the TensorRT API that is used exists; all are in the manuals of 10.3 and 11."""

import importlib.metadata
import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch

pytest.importorskip('tensorrt_rtx_bindings', reason='TensorRT for RTX is not installed')

from afformer_core.runtime.tensorrt.library import (
    IS_RTX,
    NAME,
    VERSION,
    TensorRTMissingError,
    cuda_version,
    find_library,
    knows_attention,
    trt,
)

USED = {
    'Builder': (
        'build_serialized_network',
        'create_builder_config',
        'create_network',
        'create_optimization_profile',
    ),
    'DataType': ('FLOAT', 'HALF', 'BF16', 'UINT8', 'INT32', 'INT64'),
    'IBuilderConfig': (
        'add_optimization_profile',
        'progress_monitor',
        'set_memory_pool_limit',
    ),
    'ICudaEngine': (
        'create_execution_context',
        'get_tensor_dtype',
        'get_tensor_mode',
        'get_tensor_name',
        'num_io_tensors',
    ),
    'IExecutionContext': (
        'execute_async_v3',
        'get_tensor_shape',
        'set_input_shape',
        'set_tensor_address',
    ),
    'ILogger': ('Severity', 'log'),
    'IOptimizationProfile': ('set_shape',),
    'IProgressMonitor': ('phase_finish', 'phase_start', 'step_complete'),
    'Logger': ('ERROR',),
    'MemoryPoolType': ('WORKSPACE',),
    'OnnxParser': ('get_error', 'num_errors', 'parse'),
    'ParserError': ('desc',),
    'Runtime': ('deserialize_cuda_engine',),
    'TensorIOMode': ('INPUT',),
}


@pytest.mark.parametrize(
    ('owner', 'name'), [(owner, name) for owner, names in USED.items() for name in names]
)
def test_it_is_there(owner: str, name: str) -> None:
    assert hasattr(getattr(trt, owner), name)


def test_which_library_it_is() -> None:
    assert VERSION[0].isdigit()
    assert (NAME == 'TensorRT-RTX') == IS_RTX


@pytest.mark.parametrize(
    ('version', 'rtx', 'known'),
    [
        ('10.3.0', False, False),
        ('10.13.3.9.post1', False, False),
        ('10.14.1.48', False, True),
        ('11.0.0', False, True),
        ('1.2.0.54', True, True),
    ],
)
def test_which_libraries_take_fused_attention(version: str, rtx: bool, known: bool) -> None:
    assert knows_attention(version, rtx) == known


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


@pytest.mark.parametrize(
    ('installed', 'version'),
    [
        (['numpy', 'tensorrt_rtx_cu12_libs'], '12'),
        (['tensorrt-rtx-cu13-libs'], '13'),
        # Another library than the one that is used.
        (['tensorrt_cu12_libs'], '11'),
        ([], '11'),
    ],
)
def test_for_which_cuda_it_was_built(
    monkeypatch: pytest.MonkeyPatch, installed: list[str], version: str
) -> None:
    found = [SimpleNamespace(metadata={'Name': name}) for name in installed]
    monkeypatch.setattr(importlib.metadata, 'distributions', lambda: found)
    monkeypatch.setattr(torch.version, 'cuda', '11.8')
    monkeypatch.setattr('afformer_core.runtime.tensorrt.library.IS_RTX', True)

    assert cuda_version() == version
