# SPDX-License-Identifier: Apache-2.0
"""The session that runs compiled engines on the GPU."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from afformer_core.errors import EngineError
from afformer_core.runtime.gpu import gpu_at_hand, why_no_gpu
from afformer_core.runtime.recorded_ground import LastRecordedGrounds, RecordedGround
from afformer_core.runtime.references import References, self_test
from afformer_core.runtime.session import FloatArray, Memory, Output, UInt8Array
from afformer_core.runtime.tensorrt.builder import BuildOptions, Report
from afformer_core.runtime.tensorrt.compiled_model import compile_model
from afformer_core.runtime.tensorrt.engine import Engine
from afformer_core.runtime.tensorrt.engines import MOST_FRAMES_AT_ONCE
from afformer_core.runtime.user_cache import cache_folder


class TensorRTSession:
    """Runs the engines of a model.

    The memories that were grounded lately stay on the GPU, and everything that an image needs
    is one CUDA graph, so that an image costs one upload, one launch and one download.

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
        self._ground_last = LastRecordedGrounds(self._record)
        self._inputs: dict[str, Tensor] = {}

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
            folder: the model folder.
            precision: of the graphs, or 'auto', see `compile_model`.
            report: told in lines how far the compiler is, where it is needed.
            options: for the compiler.
            cache: folder of engines; None: that of the user.

        Raises:
            ModelFolderError: there are no sound graphs of the precision, and none can be exported.
            EngineError: there is no GPU, or a graph cannot be compiled or loaded.
            SelfTestError: the engines give something else.
        """
        if gpu_at_hand() is None:
            raise EngineError(f'engines run on an NVIDIA GPU, and {why_no_gpu()}')
        compiled = compile_model(
            folder, precision, options or BuildOptions(), cache or cache_folder(), report
        )
        graphs = compiled.graphs
        session = cls(compiled.engines)
        difference = self_test(session, References.read(graphs.folder), graphs.tolerance)
        report(f'the engines differ from what they must give by {difference:.1e}')
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
        return self._ground_last(image, memory)

    def _record(self, image: UInt8Array, memory: Memory) -> RecordedGround:
        engine = self._ground
        with torch.cuda.stream(self._stream):
            on_gpu = torch.zeros(image.shape, dtype=torch.uint8, device='cuda')
            # The recorded run reads and writes all of these for as long as it lives.
            inputs = {'image': on_gpu}
            for level, (keys, values) in enumerate(zip(memory.keys, memory.values, strict=True)):
                for name, array in ((f'keys_{level}', keys), (f'values_{level}', values)):
                    tensor = torch.from_numpy(np.ascontiguousarray(array)).to('cuda')
                    inputs[name] = tensor.to(engine.input_type(name)).contiguous()
            outputs = engine.bind(inputs)
        self._inputs = inputs

        def run() -> list[Tensor]:
            engine.enqueue()
            return [outputs[name] for name in engine.outputs]

        return RecordedGround(self._stream, memory, on_gpu, run)

    def _run(self, engine: Engine, arrays: Mapping[str, np.ndarray]) -> list[FloatArray]:
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


def _numpy(tensor: Tensor) -> FloatArray:
    # NumPy has no bf16.
    array: FloatArray = (
        (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).cpu().numpy()
    )
    return array
