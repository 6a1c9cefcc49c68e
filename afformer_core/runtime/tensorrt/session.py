# SPDX-License-Identifier: Apache-2.0
"""The sessions that run compiled engines on the GPU."""

from __future__ import annotations

import math
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.errors import EngineError
from afformer_core.files.private_files import cache_folder
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.runtime.model_folder import MatchingDescription, read_network
from afformer_core.runtime.session import (
    MOST_FRAMES_AT_ONCE,
    Decoded,
    EncodedLevels,
    Memory,
    OpenedGraph,
)
from afformer_core.runtime.sessions.gpu import gpu_at_hand, why_no_gpu
from afformer_core.runtime.sessions.onnx_session import OnnxMatchingSession
from afformer_core.runtime.tensorrt.builder import Report
from afformer_core.runtime.tensorrt.compiled_model import compile_model
from afformer_core.runtime.tensorrt.engine import Context, TensorRTEngine


def open_engines(
    folder: Path, precision: str, report: Report, cache: Path | None = None
) -> tuple[TensorRTSession | OnnxMatchingSession, str]:
    """Open the folder of a model or of a matching network; `open_networks` tests the outputs.

    Args:
        folder: the folder.
        precision: precision of the graphs, or 'auto' (see `compile_model`).
        report: called with lines of progress of the compiler.
        cache: folder of engines; None for the user's.

    Returns:
        the session, and its precision. The contact head of a matching network runs on the CPU.

    Raises:
        ModelFolderError: there are no valid graphs of the precision, and none can be exported.
        EngineError: there is no GPU, or a graph cannot be compiled or loaded.
    """
    if not gpu_at_hand():
        raise EngineError(f'engines need an NVIDIA GPU: {why_no_gpu()}')
    compiled = compile_model(folder, precision, cache or cache_folder(), report)
    engines = {
        name: TensorRTEngine(name, serialized) for name, serialized in compiled.engines.items()
    }
    description, graphs = read_network(folder), compiled.graphs
    if not isinstance(description, MatchingDescription):
        return TensorRTSession(engines, description.configuration), graphs.precision
    stream: torch.cuda.Stream = torch.cuda.Stream()
    context = Context(engines['encode'], stream, _work(stream, engines))
    encode = OpenedGraph(context.run, {})
    session = OnnxMatchingSession(graphs, backend='tensorrt', encode=encode)
    return session, graphs.precision


def _work(stream: torch.cuda.Stream, engines: Mapping[str, TensorRTEngine]) -> Tensor:
    """Allocate working memory for all contexts, since they run one after the other."""
    size = max(1, *(engine.device_memory for engine in engines.values()))
    with torch.cuda.stream(stream):
        return torch.empty(size, dtype=torch.uint8, device='cuda')


class TensorRTSession:
    """The engines of a model, ready to run.

    One CUDA graph encodes an image, which takes one upload, one launch and one download of its
    features; another one decodes it for each demonstration.

    Args:
        engines: engines by the name of the graph.
        configuration: configuration of the model.

    Raises:
        EngineError: the GPU does not have enough memory for the engines.
    """

    backend = 'tensorrt'

    def __init__(
        self, engines: Mapping[str, TensorRTEngine], configuration: AfformerConfiguration
    ) -> None:
        stream: torch.cuda.Stream = torch.cuda.Stream()
        decode = engines['decode']
        work, pool = _work(stream, engines), torch.cuda.graph_pool_handle()
        self._encode_frames, self._memorize = (
            Context(engines[name], stream, work) for name in ('encode_frames', 'memorize')
        )
        self._image = _ImageEncoder(
            Context(engines['encode_image'], stream, work), stream, configuration.input_size, pool
        )
        keys, values = zip(*configuration.memory_shapes(configuration.maximum_frames), strict=True)
        names = [f'{kind}_{level}' for kind in ('keys', 'values') for level in range(len(keys))]
        types = [decode.inputs[name] for name in names]
        # This function does not refer to the session, so that the GPU memory is freed with its
        # last user.
        bind = partial(_bind, decode, stream, work, pool, self._image.levels, names)
        self._decode = CapturedDecoding(stream, (*keys, *values), types, bind)

    def encode_frames(self, frames: UInt8Array) -> FloatArray:
        """Compute the features of frames (see `Session.encode_frames`)."""
        parts = [
            self._encode_frames.run({'frames': frames[first : first + MOST_FRAMES_AT_ONCE]})
            for first in range(0, len(frames), MOST_FRAMES_AT_ONCE)
        ]
        return np.concatenate([features for (features,) in parts]).astype(np.float32, copy=False)

    def memorize(self, features: FloatArray) -> Memory:
        """Compute the memory of a demonstration (see `Session.memorize`)."""
        return Memory.of(self._memorize.run({'features': features}))

    def encode_image(self, image: UInt8Array) -> EncodedLevels:
        """Encode an image (see `Session.encode_image`)."""
        return self._image.encode(image)

    def decode(self, image: EncodedLevels, memory: Memory) -> Decoded:
        """Ground a memory in an image (see `Session.decode`)."""
        self._image.hold(image)
        return Decoded(*self._decode(memory))


class _ImageEncoder:
    """The encoding of images of one size on the GPU.

    Attributes:
        levels: buffers of the image levels, from which decoding reads.
    """

    def __init__(
        self, context: Context, stream: torch.cuda.Stream, size: tuple[int, int], pool: Any
    ) -> None:
        self._stream = stream
        self._pinned = pinned = torch.zeros((*size, 3), dtype=torch.uint8, pin_memory=True)
        with torch.cuda.stream(stream):
            image = torch.zeros((*size, 3), dtype=torch.uint8, device='cuda')
            *self._encoded, features = context.bind({'image': image})
            self.levels = tuple(torch.zeros_like(level) for level in self._encoded)

        def run() -> list[Tensor]:
            image.copy_(pinned, non_blocking=True)
            context.enqueue()
            return [features]

        self._encode = CapturedRun(stream, run, pool)
        self._held: weakref.ref[EncodedLevels] | None = None

    def encode(self, image: UInt8Array) -> EncodedLevels:
        """Encode an image, whose levels stay on the GPU."""
        np.copyto(self._pinned.numpy(), image)
        (features,) = self._encode()
        with torch.cuda.stream(self._stream):
            levels = tuple(level.clone() for level in self._encoded)
        return EncodedLevels(image, levels, features)

    def hold(self, image: EncodedLevels) -> None:
        """Copy the levels of an image into `levels`, unless they already contain it."""
        if self._held is not None and self._held() is image:
            return
        self._held = None
        with torch.cuda.stream(self._stream):
            for here, there in zip(self.levels, image.levels, strict=True):
                here.copy_(there, non_blocking=True)
        self._held = weakref.ref(image)


def _bind(
    decode: TensorRTEngine,
    stream: torch.cuda.Stream,
    work: Tensor,
    pool: Any,
    levels: Sequence[Tensor],
    names: Sequence[str],
    memory: Sequence[Tensor],
) -> CapturedRun:
    """Bind levels and memory to a separate context, because a graph keeps its context's state."""
    context = Context(decode, stream, work)
    inputs = {f'level_{number}': level for number, level in enumerate(levels)}
    outputs = context.bind(inputs | dict(zip(names, memory, strict=True)))

    def run() -> list[Tensor]:
        context.enqueue()
        return outputs

    return CapturedRun(stream, run, pool)


# Libraries allocate memory and choose kernels in the first runs, which a graph cannot capture.
_WARM_UP = 3
# Enough for demonstrations of every length up to this many frames.
_MOST_GRAPHS = 32

Shape = tuple[int, ...]


class CapturedRun:
    """A computation on the GPU, captured once and launched as one, whose outputs are downloaded.

    The object owns the buffers of its outputs, so that their addresses stay valid during its
    lifetime.

    Args:
        stream: CUDA stream in which everything runs.
        run: function that computes in the current stream and returns the tensors on the GPU to
            download; it keeps the tensors that it reads or writes.
        pool: GPU memory pool, from `torch.cuda.graph_pool_handle`. Graphs that run one after the
            other share it, since their outputs are downloaded within the graph.
    """

    def __init__(
        self, stream: torch.cuda.Stream, run: Callable[[], Sequence[Tensor]], pool: Any
    ) -> None:
        self._stream = stream
        self._run = run
        with torch.cuda.stream(stream):
            self._outputs = run()
            self._pinned_outputs = [
                torch.empty(tuple(output.shape), dtype=output.dtype, pin_memory=True)
                for output in self._outputs
            ]
            for _ in range(_WARM_UP):
                self._enqueue()
        stream.synchronize()
        self._graph = torch.cuda.CUDAGraph()
        # The capture allows other threads of the process to use the GPU meanwhile.
        with torch.cuda.graph(
            self._graph, pool=pool, stream=stream, capture_error_mode='thread_local'
        ):
            self._enqueue()

    def __call__(self) -> list[FloatArray]:
        """Compute, and return the outputs in fp32."""
        with torch.cuda.stream(self._stream):
            self._graph.replay()
        self._stream.synchronize()
        # Copies, since the next run overwrites the buffers.
        return [output.to(torch.float32, copy=True).numpy() for output in self._pinned_outputs]

    def _enqueue(self) -> None:
        self._outputs = self._run()
        for pinned, tensor in zip(self._pinned_outputs, self._outputs, strict=True):
            pinned.copy_(tensor, non_blocking=True)


class CapturedDecoding:
    """Captured graphs that decode an encoded image in any memory.

    The graphs read the memory from buffers; demonstrations and stages of one length share a graph.

    Args:
        stream: CUDA stream in which everything runs.
        largest: shapes of all keys, then of all values, for the maximum number of frames.
        types: their types.
        bind: function that takes buffers of keys and values on the GPU, and returns the decoding
            of their current contents.
    """

    def __init__(
        self,
        stream: torch.cuda.Stream,
        largest: Sequence[Shape],
        types: Sequence[torch.dtype],
        bind: Callable[[Sequence[Tensor]], CapturedRun],
    ) -> None:
        self._stream = stream
        self._bind = bind
        with torch.cuda.stream(stream):
            self._buffers = [
                torch.zeros(math.prod(shape), dtype=kind, device='cuda')
                for shape, kind in zip(largest, types, strict=True)
            ]
        self._held: weakref.ref[Memory] | None = None
        # By the shapes of the memory, the least recently used one first.
        self._bound: OrderedDict[object, CapturedRun] = OrderedDict()

    def __call__(self, memory: Memory) -> list[FloatArray]:
        """Decode the image whose levels the graphs read.

        Raises:
            ValueError: the memory has more frames than the model supports.
        """
        arrays = *memory.keys, *memory.values
        shapes = tuple(array.shape for array in arrays)
        with torch.cuda.stream(self._stream):
            buffers = self._view(shapes)
            if self._held is None or self._held() is not memory:
                for buffer, array in zip(buffers, arrays, strict=True):
                    buffer.copy_(torch.from_numpy(np.ascontiguousarray(array)))
                self._held = weakref.ref(memory)
            if shapes in self._bound:
                self._bound.move_to_end(shapes)
            else:
                # Old graphs are freed first, so that they and the new one never coexist.
                while len(self._bound) >= _MOST_GRAPHS:
                    self._bound.popitem(last=False)
                self._bound[shapes] = self._bind(buffers)
        return self._bound[shapes]()

    def _view(self, shapes: Sequence[Shape]) -> list[Tensor]:
        """Return the buffers as keys and values of some shapes, always at the same addresses."""
        views = []
        for buffer, shape in zip(self._buffers, shapes, strict=True):
            size = math.prod(shape)
            if size > len(buffer):
                raise ValueError(
                    f'the shape of keys or values is {shape}; expected at most {len(buffer)} '
                    "numbers. Memorize at most the model's maximum of frames"
                )
            views.append(buffer[:size].view(shape))
        return views
