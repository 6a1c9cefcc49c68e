# SPDX-License-Identifier: Apache-2.0
"""The sessions that run compiled engines on the GPU."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.errors import EngineError
from afformer_core.files.cache_folder import cache_folder
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.runtime.features import Stages
from afformer_core.runtime.memories.recent_copies import RecentCopies
from afformer_core.runtime.model_folder import read_description
from afformer_core.runtime.session import Decoded, EncodedLevels, Memory
from afformer_core.runtime.sessions.gpu import gpu_at_hand, why_no_gpu
from afformer_core.runtime.sessions.graph_shapes import MOST_FRAMES_AT_ONCE
from afformer_core.runtime.sessions.onnx_session import open_contact_finder
from afformer_core.runtime.tensorrt.builder import BuildSettings, Report
from afformer_core.runtime.tensorrt.captured_graphs import CapturedGraphs
from afformer_core.runtime.tensorrt.compiled_model import CompiledModel, compile_model
from afformer_core.runtime.tensorrt.cuda_graph import CapturedRun, EnqueuedRun
from afformer_core.runtime.tensorrt.engine import Context, TensorRTEngine
from afformer_core.runtime.tensorrt.gpu_memories import (
    GpuMemory,
    StaticMemory,
    most_resident,
)
from afformer_core.runtime.tensorrt.runtime_cache import RuntimeCacheFile


class TensorRTSession:
    """The engines of a model, ready to run.

    Recently grounded memories stay on the GPU. One CUDA graph encodes an image, which takes one
    upload, one launch and one download of its features; another one decodes it for each
    demonstration.

    Args:
        engines: engines by the name of the graph.
        configuration: configuration of the model.
        precision: precision of the engines.

    Attributes:
        precision: see the arguments.

    Raises:
        EngineError: the GPU does not have enough memory for the engines.
    """

    backend = 'tensorrt'

    def __init__(
        self,
        engines: Mapping[str, TensorRTEngine],
        configuration: AfformerConfiguration,
        precision: str = 'fp32',
    ) -> None:
        self.precision = precision
        self._engines = engines
        self._stream: torch.cuda.Stream = torch.cuda.Stream()
        decode, encode = engines['decode'], engines['encode_image']
        most = configuration.maximum_frames
        with torch.cuda.stream(self._stream):
            # All contexts share it, since they run one after the other in one stream.
            size = max(1, *(engine.device_memory for engine in engines.values()))
            memory = torch.empty(size, dtype=torch.uint8, device='cuda')
            self._encode_frames, self._memorize = (
                Context(engines[name], self._stream, memory)
                for name in ('encode_frames', 'memorize')
            )
            static = StaticMemory(
                configuration.memory_shapes(most),
                [
                    (decode.input_type(f'keys_{level}'), decode.input_type(f'values_{level}'))
                    for level in range(len(configuration.memory_shapes(most)))
                ],
            )
        pool = torch.cuda.graph_pool_handle()
        self._image = _ImageEncoder(encode, self._stream, memory, configuration.input_size, pool)
        # This closure does not refer to the session, so that the GPU memory is freed with its last
        # user.
        self._decode = CapturedGraphs(
            self._stream,
            RecentCopies(
                partial(_upload, decode),
                most_resident(configuration, decode.input_type('keys_0').itemsize),
            ),
            static,
            partial(_bind, decode, self._stream, memory, pool, self._image.levels),
        )

    @classmethod
    def load(
        cls,
        folder: Path,
        precision: str,
        report: Report,
        settings: BuildSettings | None = None,
        cache: Path | None = None,
    ) -> TensorRTSession:
        """Load a model folder; `open_session` tests the outputs.

        Args:
            folder: the model folder.
            precision: precision of the graphs, or 'auto' (see `compile_model`).
            report: called with lines of progress of the compiler.
            settings: settings of the compiler.
            cache: folder of engines; None for the user's.

        Raises:
            ModelFolderError: there are no valid graphs of the precision, and none can be exported.
            EngineError: there is no GPU, or a graph cannot be compiled or loaded.
        """
        if gpu_at_hand() is None:
            raise EngineError(f'engines need an NVIDIA GPU: {why_no_gpu()}')
        compiled = compile_model(
            folder, precision, settings or BuildSettings(), cache or cache_folder(), report
        )
        configuration = read_description(folder).configuration
        return cls(_engines(compiled, report), configuration, compiled.graphs.precision)

    def encode_frames(self, frames: UInt8Array) -> FloatArray:
        """Compute the features of frames (see `Session.encode_frames`)."""
        parts = [
            self._run(self._encode_frames, {'frames': frames[first : first + MOST_FRAMES_AT_ONCE]})
            for first in range(0, len(frames), MOST_FRAMES_AT_ONCE)
        ]
        self._engines['encode_frames'].keep_kernels()
        return np.concatenate([features for (features,) in parts]).astype(np.float32, copy=False)

    def memorize(self, features: FloatArray) -> Memory:
        """Compute the memory of a demonstration (see `Session.memorize`)."""
        outputs = self._run(self._memorize, {'features': features})
        self._engines['memorize'].keep_kernels()
        levels = len(outputs) // 2
        return Memory(tuple(outputs[:levels]), tuple(outputs[levels:]))

    def encode_image(self, image: UInt8Array) -> EncodedLevels:
        """Encode an image (see `Session.encode_image`)."""
        encoded = self._image.encode(image)
        self._engines['encode_image'].keep_kernels()
        return encoded

    def decode(self, image: EncodedLevels, memory: Memory) -> Decoded:
        """Ground a memory in an image (see `Session.decode`)."""
        self._image.hold(image)
        decoded = Decoded(*self._decode(memory))
        self._engines['decode'].keep_kernels()
        return decoded

    def _run(self, context: Context, arrays: Mapping[str, np.ndarray]) -> list[FloatArray]:
        return _run(self._stream, context, arrays)


class TensorRTMatchingSession:
    """The engine of a matching network's backbone; its contact head runs on the CPU.

    Args:
        engine: engine of the graph `encode`.
        find_contact: function from stages to the log-probability of the contact.
        precision: precision of the engine.

    Attributes:
        precision: see the arguments.

    Raises:
        EngineError: the GPU has no room for the engine's working memory.
    """

    backend = 'tensorrt'

    def __init__(
        self,
        engine: TensorRTEngine,
        find_contact: Callable[[Stages], FloatArray],
        precision: str = 'fp32',
    ) -> None:
        self.precision = precision
        self._engine = engine
        self._find_contact = find_contact
        self._stream: torch.cuda.Stream = torch.cuda.Stream()
        with torch.cuda.stream(self._stream):
            memory = torch.empty(max(1, engine.device_memory), dtype=torch.uint8, device='cuda')
            self._context = Context(engine, self._stream, memory)

    @classmethod
    def load(
        cls,
        folder: Path,
        precision: str,
        report: Report,
        settings: BuildSettings | None = None,
        cache: Path | None = None,
    ) -> TensorRTMatchingSession:
        """Load the folder of a matching network (see `TensorRTSession.load`)."""
        if gpu_at_hand() is None:
            raise EngineError(f'engines need an NVIDIA GPU: {why_no_gpu()}')
        compiled = compile_model(
            folder, precision, settings or BuildSettings(), cache or cache_folder(), report
        )
        find_contact = open_contact_finder(compiled.graphs)
        return cls(_engines(compiled, report)['encode'], find_contact, compiled.graphs.precision)

    def encode(self, images: UInt8Array) -> Stages:
        """Compute the stages of images (see `MatchingSession.encode`)."""
        parts = [
            _run(
                self._stream,
                self._context,
                {'images': images[first : first + MOST_FRAMES_AT_ONCE]},
            )
            for first in range(0, len(images), MOST_FRAMES_AT_ONCE)
        ]
        self._engine.keep_kernels()
        return tuple(np.concatenate(stage) for stage in zip(*parts, strict=True))

    def find_contact(self, stages: Stages) -> FloatArray:
        """Find the contact of a demonstration (see `MatchingSession.find_contact`)."""
        return self._find_contact(stages)


class _ImageEncoder:
    """The encoding of images of one size on the GPU.

    Attributes:
        levels: buffers of the image levels, from which decoding reads.
    """

    def __init__(
        self,
        engine: TensorRTEngine,
        stream: torch.cuda.Stream,
        work: Tensor,
        size: tuple[int, int],
        pool: Any,
    ) -> None:
        self._stream = stream
        self._pinned = torch.zeros((*size, 3), dtype=torch.uint8, pin_memory=True)
        context = Context(engine, stream, work)
        with torch.cuda.stream(stream):
            image = torch.zeros((*size, 3), dtype=torch.uint8, device='cuda')
            *self._encoded, features = context.bind({'image': image})
            self.levels = tuple(torch.zeros_like(level) for level in self._encoded)
        pinned = self._pinned

        def run() -> list[Tensor]:
            image.copy_(pinned, non_blocking=True)
            context.enqueue()
            return [features]

        self._encode = _captured_if_possible(stream, context, run, pool)
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


def _engines(compiled: CompiledModel, report: Report) -> dict[str, TensorRTEngine]:
    return {
        name: TensorRTEngine(
            name,
            stored.serialized,
            RuntimeCacheFile.beside(stored.path, stored.serialized, report),
        )
        for name, stored in compiled.engines.items()
    }


def _run(
    stream: torch.cuda.Stream, context: Context, arrays: Mapping[str, np.ndarray]
) -> list[FloatArray]:
    with torch.cuda.stream(stream):
        outputs = context.bind(
            {
                name: _on_gpu(array, context.engine.input_type(name))
                for name, array in arrays.items()
            }
        )
        context.enqueue()
        return [_numpy(tensor) for tensor in outputs]


def _upload(decode: TensorRTEngine, memory: Memory) -> GpuMemory:
    return GpuMemory(
        tuple(
            _on_gpu(keys, decode.input_type(f'keys_{level}'))
            for level, keys in enumerate(memory.keys)
        ),
        tuple(
            _on_gpu(values, decode.input_type(f'values_{level}'))
            for level, values in enumerate(memory.values)
        ),
    )


def _bind(
    decode: TensorRTEngine,
    stream: torch.cuda.Stream,
    work: Tensor,
    pool: Any,
    levels: Sequence[Tensor],
    memory: GpuMemory,
) -> EnqueuedRun:
    """Bind levels and memory to a separate context, because a graph keeps its context's state."""
    context = Context(decode, stream, work)
    inputs = {f'level_{number}': level for number, level in enumerate(levels)}
    for level, (keys, values) in enumerate(zip(memory.keys, memory.values, strict=True)):
        inputs[f'keys_{level}'] = keys
        inputs[f'values_{level}'] = values
    outputs = context.bind(inputs)

    def run() -> list[Tensor]:
        context.enqueue()
        return outputs

    return _captured_if_possible(stream, context, run, pool)


def _captured_if_possible(
    stream: torch.cuda.Stream, context: Context, run: Callable[[], list[Tensor]], pool: Any
) -> EnqueuedRun:
    # TensorRT for RTX has all kernels compiled only after the first run.
    with torch.cuda.stream(stream):
        run()
    stream.synchronize()
    if context.can_be_captured:
        return CapturedRun(stream, run, pool)
    return EnqueuedRun(stream, run)


def _on_gpu(array: np.ndarray, kind: torch.dtype) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to('cuda').to(kind)


def _numpy(tensor: Tensor) -> FloatArray:
    # NumPy has no bf16.
    array: FloatArray = (
        (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).cpu().numpy()
    )
    return array
