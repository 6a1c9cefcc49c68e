# SPDX-License-Identifier: Apache-2.0
"""A compiled graph on the GPU, and the contexts that run it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from afformer_core.arrays import FloatArray
from afformer_core.errors import EngineError
from afformer_core.runtime.tensorrt.builder import IS_RTX, NAME, trt

_TYPES = {
    'FLOAT': torch.float32,
    'HALF': torch.float16,
    'BF16': torch.bfloat16,
    'UINT8': torch.uint8,
    'INT32': torch.int32,
    'INT64': torch.int64,
}


class TensorRTEngine:
    """A loaded engine, which its contexts run.

    Args:
        name: name of the graph, for messages.
        serialized: the engine.

    Attributes:
        name: the argument.
        inputs, outputs: types of inputs and outputs by name, in the order of the graph.

    Raises:
        EngineError: it is not an engine of this library for this GPU.
    """

    def __init__(self, name: str, serialized: bytes) -> None:
        self.name = name
        self._runtime = trt.Runtime(trt.Logger(trt.Logger.ERROR))
        engine: Any = self._runtime.deserialize_cuda_engine(serialized)
        if engine is None:
            raise EngineError(
                f'{NAME} cannot load the engine of {name}: it is for another GPU. Delete it from '
                'the cache to have it compiled again'
            )
        self._engine = engine
        self.inputs: dict[str, torch.dtype] = {}
        self.outputs: dict[str, torch.dtype] = {}
        for index in range(engine.num_io_tensors):
            tensor = engine.get_tensor_name(index)
            is_input = engine.get_tensor_mode(tensor) == trt.TensorIOMode.INPUT
            types = self.inputs if is_input else self.outputs
            types[tensor] = _TYPES[engine.get_tensor_dtype(tensor).name]

    @property
    def device_memory(self) -> int:
        """Working memory of one context in bytes, for the largest shapes."""
        return int(self._engine.device_memory_size_v2)

    def new_context(self) -> Any:
        """Create a TensorRT context without working memory.

        Raises:
            EngineError: the GPU has no room for it.
        """
        strategy: Any = trt.ExecutionContextAllocationStrategy.USER_MANAGED
        if IS_RTX:
            config: Any = self._engine.create_runtime_config()
            config.set_execution_context_allocation_strategy(strategy)
            # Otherwise a fallback kernel runs first, and a captured graph would keep it forever.
            specialization: Any = trt
            config.dynamic_shapes_kernel_specialization_strategy = (
                specialization.DynamicShapesKernelSpecializationStrategy.EAGER
            )
            strategy = config
        context = self._engine.create_execution_context(strategy)
        if context is None:
            raise EngineError(
                f'the GPU has too little free memory for the engine of {self.name}. End other '
                'programs on it'
            )
        return context


class Context:
    """A context that runs an engine in a stream, with working memory that others may share.

    Args:
        engine: engine that it runs.
        stream: stream in which it runs, the same for all contexts that share the memory.
        memory: working memory, uint8 on the GPU, at least `TensorRTEngine.device_memory` bytes.

    Raises:
        EngineError: the GPU has no room for it.
    """

    def __init__(self, engine: TensorRTEngine, stream: torch.cuda.Stream, memory: Tensor) -> None:
        self._engine = engine
        self._stream = stream
        self._memory = memory
        self._context = engine.new_context()
        self._context.set_device_memory(memory.data_ptr(), memory.numel())
        self._inputs: dict[str, Tensor] = {}
        self._outputs: dict[str, Tensor] = {}

    def bind(self, inputs: Mapping[str, Tensor]) -> list[Tensor]:
        """Bind inputs, contiguous tensors on the GPU, which the context keeps.

        Must not be called again once a graph has captured a run.

        Returns:
            the tensors to which a run writes, in the order of the graph; the context also keeps
            them.

        Raises:
            EngineError: an input has a shape for which the engine was not compiled.
        """
        self._inputs = dict(inputs)
        for name, tensor in inputs.items():
            shape = tuple(tensor.shape)
            if not self._context.set_input_shape(name, shape):
                raise EngineError(
                    f'the shape of {name} is {shape}, for which the engine of {self._engine.name} '
                    'was not compiled. Compile one for a model of more frames'
                )
            self._context.set_tensor_address(name, tensor.data_ptr())
        for name, kind in self._engine.outputs.items():
            shape = tuple(self._context.get_tensor_shape(name))
            before = self._outputs.get(name)
            if before is None or tuple(before.shape) != shape:
                self._outputs[name] = torch.empty(shape, dtype=kind, device='cuda')
            self._context.set_tensor_address(name, self._outputs[name].data_ptr())
        return [self._outputs[name] for name in self._engine.outputs]

    def enqueue(self) -> None:
        """Enqueue a run with the bound tensors; the stream completes it later.

        Raises:
            EngineError: the run cannot be enqueued.
        """
        if not self._context.execute_async_v3(self._stream.cuda_stream):
            raise EngineError(f'{NAME} cannot run the engine of {self._engine.name}')

    def run(self, arrays: Mapping[str, np.ndarray]) -> list[FloatArray]:
        """Upload inputs, run, and download the outputs in fp32, or fp16 where the graph has it."""
        with torch.cuda.stream(self._stream):
            types = self._engine.inputs
            outputs = self.bind(
                {
                    name: torch.from_numpy(np.ascontiguousarray(array)).to('cuda').to(types[name])
                    for name, array in arrays.items()
                }
            )
            self.enqueue()
            # NumPy has no bf16.
            return [
                (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).cpu().numpy()
                for tensor in outputs
            ]
