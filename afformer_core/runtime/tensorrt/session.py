# SPDX-License-Identifier: Apache-2.0
"""The session that runs compiled engines on the GPU."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from afformer_core.runtime.graphs import read_graphs
from afformer_core.runtime.model_folder import read_description
from afformer_core.runtime.references import References, self_test
from afformer_core.runtime.session import FloatArray, Memory, Output, UInt8Array
from afformer_core.runtime.tensorrt.builder import BuildOptions, EngineError, Report
from afformer_core.runtime.tensorrt.engine import Engine
from afformer_core.runtime.tensorrt.engine_cache import cache_folder
from afformer_core.runtime.tensorrt.engines import (
    MOST_FRAMES_AT_ONCE,
    gpu_at_hand,
    obtain_engines,
)


class TensorRTSession:
    """Runs the engines of a model.

    The memory of the last demonstration stays on the GPU, and everything that an image needs is
    one CUDA graph, so that an image costs one upload, one launch and one download.

    Args:
        engines: serialized, by the name of the graph.

    Raises:
        EngineError: an engine does not load on this GPU.
    """

    backend = 'tensorrt'

    def __init__(self, engines: Mapping[str, bytes]) -> None:
        self._stream: torch.cuda.Stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._encode_frames, self._memorize, self._ground = (
            Engine(name, engines[name], self._stream)
            for name in ('encode_frames', 'memorize', 'ground')
        )
        self._prepared: _PreparedGround | None = None

    @classmethod
    def load(
        cls,
        folder: Path,
        precision: str,
        report: Report,
        options: BuildOptions | None = None,
        cache: Path | None = None,
    ) -> TensorRTSession:
        """Of a model folder, once it gives what the model gives.

        Args:
            folder: the model folder, exported in the precision.
            precision: of the graphs.
            report: told in lines how far the compiler is, where it is needed.
            options: for the compiler.
            cache: folder of engines; None: that of the user.

        Raises:
            ModelFolderError: there are no sound graphs of the precision.
            EngineError: there is no GPU, or a graph cannot be compiled or loaded.
            SelfTestError: the engines give something else.
        """
        if gpu_at_hand() is None:
            raise EngineError('engines run on an NVIDIA GPU, and PyTorch finds none here')
        graphs = read_graphs(folder, precision)
        configuration = read_description(folder).configuration
        engines = obtain_engines(
            folder,
            graphs,
            configuration,
            options or BuildOptions(),
            cache or cache_folder(),
            report,
        )
        session = cls(engines)
        difference = self_test(session, References.read(graphs.folder), graphs.tolerance)
        report(f'the engines differ from PyTorch by {difference:.1e}')
        return session

    def encode_frames(self, frames: UInt8Array) -> FloatArray:
        """See `Session.encode_frames`."""
        parts = []
        for first in range(0, len(frames), MOST_FRAMES_AT_ONCE):
            (features,) = self._run(
                self._encode_frames, {'frames': frames[first : first + MOST_FRAMES_AT_ONCE]}
            )
            parts.append(features)
        return np.concatenate(parts).astype(np.float32, copy=False)

    def memorize(self, features: FloatArray) -> Memory:
        """See `Session.memorize`."""
        outputs = self._run(self._memorize, {'features': features})
        levels = len(outputs) // 2
        return Memory(tuple(outputs[:levels]), tuple(outputs[levels:]))

    def ground(self, image: UInt8Array, memory: Memory) -> Output:
        """See `Session.ground`."""
        prepared = self._prepared
        if prepared is None or prepared.memory is not memory or prepared.shape != image.shape:
            # The old one goes first, lest both memories must fit.
            self._prepared = None
            prepared = self._prepared = _PreparedGround(self._ground, self._stream, memory, image)
        return prepared(image)

    def _run(self, engine: Engine, arrays: Mapping[str, np.ndarray]) -> list[FloatArray]:
        # What is bound to the CUDA graph's engine is another.
        with torch.cuda.stream(self._stream):
            inputs = {
                name: torch.from_numpy(np.ascontiguousarray(array))
                .to('cuda')
                .to(engine.input_type(name))
                for name, array in arrays.items()
            }
            outputs = engine.bind(inputs)
            engine.enqueue()
            tensors = [outputs[name] for name in engine.outputs]
            arrays_out = [_numpy(tensor) for tensor in tensors]
        self._stream.synchronize()
        return arrays_out


class _PreparedGround:
    """Grounding with one memory, recorded as a CUDA graph.

    Args:
        engine: of `ground`.
        stream: of the engine.
        memory: kept on the GPU.
        image: of the shape of all that come.
    """

    def __init__(
        self, engine: Engine, stream: torch.cuda.Stream, memory: Memory, image: UInt8Array
    ) -> None:
        self.memory = memory
        self.shape = image.shape
        self._stream = stream
        self._pinned_image = torch.empty(image.shape, dtype=torch.uint8, pin_memory=True)
        with torch.cuda.stream(stream):
            self._image = torch.empty(image.shape, dtype=torch.uint8, device='cuda')
            inputs = {'image': self._image}
            for level, (keys, values) in enumerate(zip(memory.keys, memory.values, strict=True)):
                for name, array in ((f'keys_{level}', keys), (f'values_{level}', values)):
                    tensor = torch.from_numpy(np.ascontiguousarray(array)).to('cuda')
                    inputs[name] = tensor.to(engine.input_type(name)).contiguous()
            # The CUDA graph reads them for as long as it lives.
            self._inputs = inputs
            outputs = engine.bind(inputs)
            self._outputs = [outputs[name] for name in engine.outputs]
            self._pinned = [
                torch.empty(tuple(one.shape), dtype=one.dtype, pin_memory=True)
                for one in self._outputs
            ]
            # The first run allocates, which a graph cannot record.
            engine.enqueue()
        stream.synchronize()
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, stream=stream):
            self._image.copy_(self._pinned_image, non_blocking=True)
            engine.enqueue()
            for pinned, tensor in zip(self._pinned, self._outputs, strict=True):
                pinned.copy_(tensor, non_blocking=True)

    def __call__(self, image: UInt8Array) -> Output:
        """Ground an image."""
        self._pinned_image.copy_(torch.from_numpy(image))
        with torch.cuda.stream(self._stream):
            self._graph.replay()
        self._stream.synchronize()
        # The next image overwrites the buffers.
        return Output(*(tensor.float().numpy().copy() for tensor in self._pinned))


def _numpy(tensor: Tensor) -> FloatArray:
    # NumPy has no bf16.
    array: FloatArray = (
        (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).cpu().numpy()
    )
    return array
