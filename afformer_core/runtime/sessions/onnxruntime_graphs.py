# SPDX-License-Identifier: Apache-2.0
"""Exported graphs in ONNX Runtime, by one of its execution providers."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from afformer_core.errors import ModelFolderError
from afformer_core.files.cache_folder import cache_folder
from afformer_core.files.private_files import make_private_folder
from afformer_core.runtime.graphs import Graphs
from afformer_core.runtime.model_folder import read_network
from afformer_core.runtime.sessions.graph_shapes import ShapeRange, shape_ranges
from afformer_core.runtime.sessions.opened_graph import OpenedGraph

Provider = tuple[str, dict[str, str]]

PROVIDERS = {
    'onnxruntime': 'CPUExecutionProvider',
    'onnxruntime-cuda': 'CUDAExecutionProvider',
    'onnxruntime-tensorrt': 'TensorrtExecutionProvider',
}
"""Execution provider of each backend."""
ON_GPU = ('onnxruntime-cuda', 'onnxruntime-tensorrt')

_CACHE = 'onnxruntime_tensorrt'
# Those that run once for each demonstration; they need more memory than those of an image.
_FOR_EACH_DEMONSTRATION = ('memorize', 'find_contact')


def open_graph(
    graphs: Graphs, name: str, threads: int, backend: str = 'onnxruntime'
) -> OpenedGraph:
    """Open a graph by its name.

    Args:
        graphs: graphs of a model.
        name: name of the graph.
        threads: number of threads; 0: chosen by ONNX Runtime.
        backend: one of `PROVIDERS`.

    Raises:
        ModelFolderError: the graph does not load, the installed ONNX Runtime lacks the provider,
            or there is no GPU for it.
        UntrustedWriterError: other users may write to the cache of engines.
    """
    provider = PROVIDERS[backend]
    require_provider(backend)
    path = graphs.path(name)
    if backend in ON_GPU and hasattr(onnxruntime, 'preload_dlls'):
        # The libraries of CUDA may lie in packages of their own, as those of PyTorch do.
        onnxruntime.preload_dlls()
    options = _options(threads)
    if backend not in ON_GPU:
        _share_arena()
        options.add_session_config_entry('session.use_env_allocators', '1')
    try:
        session = onnxruntime.InferenceSession(
            path, options, providers=_providers(graphs, name, backend)
        )
    except Exception as error:
        raise ModelFolderError(
            f'{path} cannot be loaded by ONNX Runtime: {error}. Export the model again'
        ) from error
    # Without a usable GPU, ONNX Runtime silently computes on the CPU.
    first = session.get_providers()[0]
    if first != provider:
        raise ModelFolderError(
            f'the execution provider of {path} is {first}; expected {provider}. Check that '
            f'nvidia-smi lists a GPU and that the libraries which onnxruntime-gpu '
            f'{onnxruntime.__version__} needs are installed, or choose another backend'
        )
    settings = _run_settings(name, backend)
    return OpenedGraph(
        lambda feed: session.run(None, dict(feed), settings),
        {entry.name: _type(entry.type) for entry in session.get_inputs()},
    )


def is_installed(backend: str) -> bool:
    """Check whether the installed ONNX Runtime has the provider of a backend."""
    return PROVIDERS[backend] in onnxruntime.get_available_providers()


def require_provider(backend: str) -> None:
    """Check that the installed ONNX Runtime has the provider of a backend.

    Raises:
        ModelFolderError: it does not have it; the message names the package that does.
    """
    if not is_installed(backend):
        there = ', '.join(onnxruntime.get_available_providers())
        raise ModelFolderError(
            f'the execution providers of onnxruntime {onnxruntime.__version__} are '
            f'{there}; expected {PROVIDERS[backend]} for backend {backend!r}. Install '
            'onnxruntime-gpu in place of onnxruntime, or choose another backend'
        )


@cache
def _share_arena() -> None:
    """Register one memory arena on the CPU, for all graphs of this process.

    The graphs of a model run one after the other, and an arena does not shrink by itself: with an
    arena each, those of the shipped model would hold another 100 MB.
    """
    arena = onnxruntime.OrtMemoryInfo(
        'Cpu', onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    # Another library of this process may have made one, which serves as well.
    with suppress(RuntimeError):
        onnxruntime.create_and_register_allocator(arena, None)


def _options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Spinning threads would occupy cores that other processes of the robot need.
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')
    return options


def _run_settings(name: str, backend: str) -> onnxruntime.RunOptions:
    """Return settings that free unused memory after a graph that runs for each demonstration."""
    settings = onnxruntime.RunOptions()
    if name in _FOR_EACH_DEMONSTRATION and backend not in ON_GPU:
        settings.add_run_config_entry('memory.enable_memory_arena_shrinkage', 'cpu:0')
    return settings


def _providers(graphs: Graphs, name: str, backend: str) -> list[Provider]:
    """List the provider of a backend, then those for the operators that it does not support."""
    providers: list[Provider] = [('CPUExecutionProvider', {})]
    if backend in ON_GPU:
        # CUDA graphs (`enable_cuda_graph`) need inputs of fixed shapes and addresses; the length
        # of a memory is that of its demonstration.
        providers.insert(0, ('CUDAExecutionProvider', {'use_tf32': '0'}))
    if backend == 'onnxruntime-tensorrt':
        folder = cache_folder() / _CACHE / graphs.sha256[name][:16]
        make_private_folder(folder)
        shapes = shape_ranges(read_network(graphs.network_folder)).get(name, {})
        options = tensorrt_options(graphs, folder, shapes)
        providers.insert(0, (PROVIDERS[backend], options))
    return providers


def tensorrt_options(
    graphs: Graphs, folder: Path, shapes: Mapping[str, ShapeRange]
) -> dict[str, str]:
    """Build the options of the TensorRT provider.

    Args:
        graphs: graphs of a model.
        folder: folder of its engines, to which no other user can write.
        shapes: shapes of the inputs of the graph without a fixed shape.
    """
    options = {
        'trt_engine_cache_enable': '1',
        'trt_engine_cache_path': str(folder),
        'trt_timing_cache_enable': '1',
        'trt_timing_cache_path': str(folder),
        'trt_fp16_enable': '1' if graphs.precision == 'fp16' else '0',
    }
    # With these, one engine fits demonstrations of all lengths.
    if shapes:
        for option, field in (('min', 'smallest'), ('opt', 'usual'), ('max', 'largest')):
            options[f'trt_profile_{option}_shapes'] = ','.join(
                f'{name}:{"x".join(map(str, getattr(shape, field)))}'
                for name, shape in shapes.items()
            )
    return options


def _type(name: str) -> np.dtype[Any]:
    """Return the NumPy type of 'tensor(float)', 'tensor(float16)' or 'tensor(uint8)'."""
    inner = name.removeprefix('tensor(').removesuffix(')')
    return np.dtype({'float': 'float32'}.get(inner, inner))
