# SPDX-License-Identifier: Apache-2.0
"""Sessions that run exported graphs with ONNX Runtime or OpenVINO."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.errors import ModelFolderError
from afformer_core.runtime.graphs import Graphs
from afformer_core.runtime.model_folder import DECODER_GRAPHS
from afformer_core.runtime.session import (
    MOST_FRAMES_AT_ONCE,
    Decoded,
    EncodedLevels,
    Memory,
    OpenedGraph,
    Stages,
)

PROVIDERS = {'onnxruntime': 'CPUExecutionProvider', 'onnxruntime-cuda': 'CUDAExecutionProvider'}
"""Execution provider of each backend."""

# Those that run once for each demonstration; they need more memory than those of an image.
_FOR_EACH_DEMONSTRATION = ('memorize', 'find_contact')


def open_in_onnxruntime(
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


def has_provider(backend: str) -> bool:
    """Check whether the installed ONNX Runtime has the provider of a backend."""
    return PROVIDERS[backend] in onnxruntime.get_available_providers()


def require_provider(backend: str) -> None:
    """Check that the installed ONNX Runtime has the provider of a backend.

    Raises:
        ModelFolderError: it does not have it; the message names the package that does.
    """
    if not has_provider(backend):
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


_ON_CPU = ('onnxruntime', 'openvino')


class OnnxSession:
    """Exported graphs of a model that run with ONNX Runtime, by one of its providers, or OpenVINO.

    Args:
        graphs: graphs in fp32 or fp16.
        threads: number of threads of each graph; 0: chosen by the library.
        backend: 'openvino' or one of `PROVIDERS`.
        precision: precision in which OpenVINO computes graphs in fp32, one of 'fp32', 'bf16' and
            'fp16'; None: that of the graphs.

    Attributes:
        backend: the argument.

    Raises:
        ModelFolderError: a graph does not load, or the backend cannot run here.
    """

    def __init__(
        self,
        graphs: Graphs,
        threads: int = 0,
        backend: str = 'onnxruntime',
        precision: str | None = None,
    ) -> None:
        self.backend = backend
        self._encode_frames, self._memorize, self._encode_image, self._decode = (
            open_graph(graphs, name, threads, backend, precision) for name in DECODER_GRAPHS
        )
        types = self._decode.input_types
        self._levels = tuple(sorted(name for name in types if name.startswith('level_')))

    def encode_frames(self, frames: UInt8Array) -> FloatArray:
        """Compute the features of frames (see `Session.encode_frames`)."""
        (features,) = _in_parts(self._encode_frames, 'frames', frames, self.backend)
        return features

    def memorize(self, features: FloatArray) -> Memory:
        """Compute the memory of a demonstration (see `Session.memorize`)."""
        return Memory.of(self._memorize.run({'features': features}))

    def encode_image(self, image: UInt8Array) -> EncodedLevels:
        """Encode an image (see `Session.encode_image`)."""
        *levels, features = self._encode_image.run({'image': image})
        return EncodedLevels(image, tuple(levels), features)

    def decode(self, image: EncodedLevels, memory: Memory) -> Decoded:
        """Ground a memory of any precision in an image (see `Session.decode`)."""
        feed: dict[str, NDArray[Any]] = dict(zip(self._levels, image.levels, strict=True))
        for kind, arrays in (('keys', memory.keys), ('values', memory.values)):
            feed |= {f'{kind}_{level}': array for level, array in enumerate(arrays)}
        types = self._decode.input_types
        feed = {name: array.astype(types[name], copy=False) for name, array in feed.items()}
        heatmaps, actions = self._decode.run(feed)
        return Decoded(heatmaps, actions)


class OnnxMatchingSession:
    """The exported graphs of a matching network.

    The contact head runs in ONNX Runtime on the CPU, and computes in fp32. `OnnxSession` describes
    the other arguments and the errors.

    Args:
        encode: the opened graph `encode` if another library runs it.
    """

    def __init__(
        self,
        graphs: Graphs,
        threads: int = 0,
        backend: str = 'onnxruntime',
        precision: str | None = None,
        encode: OpenedGraph | None = None,
    ) -> None:
        self.backend = backend
        self._encode = encode or open_graph(graphs, 'encode', threads, backend, precision)
        self._find_contact = open_in_onnxruntime(graphs, 'find_contact', threads)

    def encode(self, images: UInt8Array) -> Stages:
        """Compute the stages of images (see `MatchingSession.encode`)."""
        return tuple(_in_parts(self._encode, 'images', images, self.backend))

    def find_contact(self, stages: Stages) -> FloatArray:
        """Find the contact of a demonstration (see `MatchingSession.find_contact`)."""
        feed = {f'stage_{number}': stage for number, stage in enumerate(stages)}
        found: FloatArray = self._find_contact.run(feed)[0]
        return found


def open_graph(
    graphs: Graphs, name: str, threads: int, backend: str, precision: str | None
) -> OpenedGraph:
    """Open a graph by its name (see `OnnxSession` for arguments and errors)."""
    if backend != 'openvino':
        return open_in_onnxruntime(graphs, name, threads, backend)
    from afformer_core.runtime.sessions import openvino_graphs

    return openvino_graphs.open_graph(graphs, name, threads, precision or graphs.precision)


def _in_parts(
    graph: OpenedGraph, name: str, images: UInt8Array, backend: str
) -> list[NDArray[Any]]:
    """Run a graph on images; on a GPU on some at once, as engines accept.

    On a CPU, one image at a time takes a tenth less, because its values fit the cache.
    """
    most = 1 if backend in _ON_CPU else MOST_FRAMES_AT_ONCE
    parts = [
        graph.run({name: images[first : first + most]}) for first in range(0, len(images), most)
    ]
    if len(parts) == 1:
        return list(parts[0])
    return [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]
