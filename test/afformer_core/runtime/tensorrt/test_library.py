# SPDX-License-Identifier: Apache-2.0
"""Every name of the TensorRT API that is used exists; all are in the manuals of 10.3 and 11."""

import pytest

pytest.importorskip('tensorrt_rtx_bindings', reason='TensorRT for RTX is not installed')

from afformer_core.runtime.tensorrt.library import IS_RTX, NAME, VERSION, knows_attention, trt

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
