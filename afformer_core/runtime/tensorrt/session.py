# SPDX-License-Identifier: Apache-2.0
"""The session that runs compiled engines on the GPU."""

from __future__ import annotations

from collections.abc import Mapping
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
from afformer_core.runtime.model_folder import read_description
from afformer_core.runtime.session import Memory, Output
from afformer_core.runtime.sessions.gpu import gpu_at_hand, why_no_gpu
from afformer_core.runtime.tensorrt.builder import BuildSettings, Report
from afformer_core.runtime.tensorrt.captured_graphs import CapturedGraphs
from afformer_core.runtime.tensorrt.compiled_model import compile_model
from afformer_core.runtime.tensorrt.cuda_graph import CapturedGraph, EnqueuedGround
from afformer_core.runtime.tensorrt.engine import Context, TensorRTEngine
from afformer_core.runtime.tensorrt.engines import MOST_FRAMES_AT_ONCE
from afformer_core.runtime.tensorrt.gpu_memories import (
    GpuMemory,
    ResidentMemories,
    StaticMemory,
    most_resident,
)
from afformer_core.runtime.tensorrt.runtime_cache import RuntimeCacheFile


class TensorRTSession:
    """The engines of a model, ready to run.

    Recently grounded memories stay on the GPU, and one CUDA graph processes an image, which
    therefore takes one upload, one launch and one download.

    Args:
        engines: engines by the name of the graph.
        configuration: configuration of the model.
        precision: precision of the engines.

    Attributes:
        precision: the argument.

    Raises:
        EngineError: the GPU has no room for the engines' working memory.
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
        ground = engines['ground']
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
                    (ground.input_type(f'keys_{level}'), ground.input_type(f'values_{level}'))
                    for level in range(len(configuration.memory_shapes(most)))
                ],
            )
        # This closure does not refer to the session, so that the GPU memory is freed with its last
        # user.
        self._ground = CapturedGraphs(
            self._stream,
            ResidentMemories(
                partial(_upload, ground),
                most_resident(configuration, ground.input_type('keys_0').itemsize),
            ),
            static,
            partial(_bind, ground, self._stream, memory, torch.cuda.graph_pool_handle()),
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
        engines = {
            name: TensorRTEngine(
                name,
                stored.serialized,
                RuntimeCacheFile.beside(stored.path, stored.serialized, report),
            )
            for name, stored in compiled.engines.items()
        }
        configuration = read_description(folder).configuration
        return cls(engines, configuration, compiled.graphs.precision)

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

    def ground(self, image: UInt8Array, memory: Memory) -> Output:
        """Ground a memory in an image (see `Session.ground`)."""
        output = self._ground(image, memory)
        self._engines['ground'].keep_kernels()
        return output

    def _run(self, context: Context, arrays: Mapping[str, np.ndarray]) -> list[FloatArray]:
        with torch.cuda.stream(self._stream):
            outputs = context.bind(
                {
                    name: _on_gpu(array, context.engine.input_type(name))
                    for name, array in arrays.items()
                }
            )
            context.enqueue()
            return [_numpy(tensor) for tensor in outputs]


def _upload(ground: TensorRTEngine, memory: Memory) -> GpuMemory:
    return GpuMemory(
        tuple(
            _on_gpu(keys, ground.input_type(f'keys_{level}'))
            for level, keys in enumerate(memory.keys)
        ),
        tuple(
            _on_gpu(values, ground.input_type(f'values_{level}'))
            for level, values in enumerate(memory.values)
        ),
    )


def _bind(
    ground: TensorRTEngine,
    stream: torch.cuda.Stream,
    work: Tensor,
    pool: Any,
    image: Tensor,
    memory: GpuMemory,
) -> EnqueuedGround:
    """Bind image and memory to a separate context, because a graph keeps its context's state."""
    context = Context(ground, stream, work)
    inputs = {'image': image}
    for level, (keys, values) in enumerate(zip(memory.keys, memory.values, strict=True)):
        inputs[f'keys_{level}'] = keys
        inputs[f'values_{level}'] = values
    outputs = context.bind(inputs)

    def run() -> list[Tensor]:
        context.enqueue()
        return outputs

    # TensorRT for RTX has all kernels compiled only after the first run.
    run()
    stream.synchronize()
    if context.can_be_captured:
        return CapturedGraph(stream, image, run, pool)
    return EnqueuedGround(stream, image, run)


def _on_gpu(array: np.ndarray, kind: torch.dtype) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to('cuda').to(kind)


def _numpy(tensor: Tensor) -> FloatArray:
    # NumPy has no bf16.
    array: FloatArray = (
        (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).cpu().numpy()
    )
    return array
