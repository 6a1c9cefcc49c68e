# SPDX-License-Identifier: Apache-2.0
"""Exported graphs in ONNX Runtime, by one of its execution providers."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np
import onnxruntime

from afformer_core.errors import ModelFolderError
from afformer_core.runtime.graphs import Graphs
from afformer_core.runtime.session import OpenedGraph

PROVIDERS = {'onnxruntime': 'CPUExecutionProvider', 'onnxruntime-cuda': 'CUDAExecutionProvider'}
"""Execution provider of each backend."""

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
    """
    provider = PROVIDERS[backend]
    require_provider(backend)
    path = graphs.path(name)
    options, settings = _options(threads), onnxruntime.RunOptions()
    providers: list[tuple[str, dict[str, str]]] = [('CPUExecutionProvider', {})]
    if backend == 'onnxruntime':
        _share_arena()
        options.add_session_config_entry('session.use_env_allocators', '1')
        if name in _FOR_EACH_DEMONSTRATION:
            # Frees unused memory after the run.
            settings.add_run_config_entry('memory.enable_memory_arena_shrinkage', 'cpu:0')
    else:
        # CUDA graphs (`enable_cuda_graph`) need inputs of fixed shapes and addresses; the length
        # of a memory is that of its demonstration. The CPU computes unsupported operators.
        providers.insert(0, (provider, {'use_tf32': '0'}))
        if hasattr(onnxruntime, 'preload_dlls'):
            # The libraries of CUDA may lie in packages of their own, as those of PyTorch do.
            onnxruntime.preload_dlls()
    try:
        session = onnxruntime.InferenceSession(path, options, providers=providers)
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


def _type(name: str) -> np.dtype[Any]:
    """Return the NumPy type of 'tensor(float)', 'tensor(float16)' or 'tensor(uint8)'."""
    inner = name.removeprefix('tensor(').removesuffix(')')
    return np.dtype({'float': 'float32'}.get(inner, inner))
