# SPDX-License-Identifier: Apache-2.0
"""A compiled graph on the GPU, and the contexts that run it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from afformer_core.errors import EngineError
from afformer_core.runtime.tensorrt.library import IS_RTX, NAME, trt
from afformer_core.runtime.tensorrt.runtime_cache import RuntimeCacheFile


class TensorRTEngine:
    """A loaded engine, which its contexts run.

    Args:
        name: name of the graph, for messages.
        serialized: the engine.
        kernels: file for the kernels that TensorRT for RTX compiles for it on this GPU; None: not
            stored.

    Raises:
        EngineError: it is not an engine of this library for this GPU.
    """

    def __init__(
        self, name: str, serialized: bytes, kernels: RuntimeCacheFile | None = None
    ) -> None:
        self.name = name
        self._logger = trt.Logger(trt.Logger.ERROR)
        self._runtime = trt.Runtime(self._logger)
        engine: Any = self._runtime.deserialize_cuda_engine(serialized)
        if engine is None:
            raise EngineError(
                f'{NAME} cannot load the engine of {name}: it is for another GPU. Delete it from '
                'the cache to have it compiled again'
            )
        self._engine = engine
        self._inputs: dict[str, torch.dtype] = {}
        self._outputs: dict[str, torch.dtype] = {}
        for index in range(engine.num_io_tensors):
            tensor = engine.get_tensor_name(index)
            is_input = engine.get_tensor_mode(tensor) == trt.TensorIOMode.INPUT
            kinds = self._inputs if is_input else self._outputs
            kinds[tensor] = _torch_type(engine.get_tensor_dtype(tensor))
        self._kernels = kernels
        self._shapes: set[object] = set()
        self._has_new_kernels = False
        self._config = self._runtime_config() if IS_RTX else None

    @property
    def device_memory(self) -> int:
        """Working memory of one context in bytes, for the largest shapes."""
        return int(self._engine.device_memory_size_v2)

    @property
    def outputs(self) -> Mapping[str, torch.dtype]:
        """Types of the outputs by name, in the order of the graph."""
        return self._outputs

    def input_type(self, name: str) -> torch.dtype:
        """Return the type of the input with a name."""
        return self._inputs[name]

    def new_context(self) -> Any:
        """Create a TensorRT context without working memory.

        Raises:
            EngineError: the GPU has no room for it.
        """
        strategy = trt.ExecutionContextAllocationStrategy.USER_MANAGED
        context = self._engine.create_execution_context(self._config or strategy)
        if context is None:
            raise EngineError(
                f'the GPU has too little free memory for the engine of {self.name}. End other '
                'programs on it'
            )
        return context

    def expect(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Announce the shapes of the next run, for which kernels may be compiled."""
        key = tuple(sorted(shapes.items()))
        if key not in self._shapes:
            self._shapes.add(key)
            self._has_new_kernels = True

    def keep_kernels(self) -> None:
        """Save the kernels that were compiled since the last call, if any."""
        if self._has_new_kernels and self._config is not None and self._kernels is not None:
            self._kernels.write(bytes(self._config.get_runtime_cache().serialize()))
        self._has_new_kernels = False

    def _runtime_config(self) -> Any:
        config: Any = self._engine.create_runtime_config()
        config.set_execution_context_allocation_strategy(
            trt.ExecutionContextAllocationStrategy.USER_MANAGED
        )
        # Otherwise a fallback kernel runs first, and a captured graph would keep it forever.
        specialization: Any = trt
        config.dynamic_shapes_kernel_specialization_strategy = (
            specialization.DynamicShapesKernelSpecializationStrategy.EAGER
        )
        # Saved kernels are checked against the GPU in use, so CUDA must be initialised.
        torch.cuda.synchronize()
        cache = config.create_runtime_cache()
        kept = None if self._kernels is None else self._kernels.read()
        if self._kernels is not None and kept is not None and not cache.deserialize(kept):
            self._kernels.refuse('TensorRT-RTX does not accept it here')
        config.set_runtime_cache(cache)
        return config


class Context:
    """A context that runs an engine in a stream, with working memory that others may share.

    Args:
        engine: engine that it runs.
        stream: stream in which it runs, the same for all contexts that share the memory.
        memory: working memory, uint8 on the GPU, at least `TensorRTEngine.device_memory` bytes.

    Raises:
        EngineError: the GPU has no room for it.

    Attributes:
        engine: the argument.
    """

    def __init__(self, engine: TensorRTEngine, stream: torch.cuda.Stream, memory: Tensor) -> None:
        self.engine = engine
        self._stream = stream
        self._memory = memory
        self._context = engine.new_context()
        self._context.set_device_memory(memory.data_ptr(), memory.numel())
        self._inputs: dict[str, Tensor] = {}
        self._outputs: dict[str, Tensor] = {}

    @property
    def can_be_captured(self) -> bool:
        """Whether a CUDA graph may capture a run with the bound tensors."""
        # Only TensorRT for RTX has this property; contexts of TensorRT can always be captured.
        ask: Any = getattr(self._context, 'is_stream_capturable', None)
        return ask is None or bool(ask(self._stream.cuda_stream))

    def bind(self, inputs: Mapping[str, Tensor]) -> list[Tensor]:
        """Bind inputs, contiguous tensors on the GPU, which the context keeps.

        Must not be called again once a graph has captured a run.

        Returns:
            the tensors to which a run writes, in the order of the graph; the context also keeps
            them.

        Raises:
            EngineError: an input has a shape for which the engine was not compiled, or an address
                that it does not accept.
        """
        self._inputs = dict(inputs)
        shapes = {name: tuple(tensor.shape) for name, tensor in inputs.items()}
        self.engine.expect(shapes)
        for name, tensor in inputs.items():
            shape = shapes[name]
            if not self._context.set_input_shape(name, shape):
                raise EngineError(
                    f'the shape of {name} is {shape}, for which the engine of {self.engine.name} '
                    'was not compiled. Compile one for a model of more frames'
                )
            self._set_address(name, tensor)
        for name, kind in self.engine.outputs.items():
            shape = tuple(self._context.get_tensor_shape(name))
            before = self._outputs.get(name)
            if before is None or tuple(before.shape) != shape:
                self._outputs[name] = torch.empty(shape, dtype=kind, device='cuda')
            self._set_address(name, self._outputs[name])
        return [self._outputs[name] for name in self.engine.outputs]

    def enqueue(self) -> None:
        """Enqueue a run with the bound tensors; the stream completes it later.

        Raises:
            EngineError: the run cannot be enqueued.
        """
        if not self._context.execute_async_v3(self._stream.cuda_stream):
            raise EngineError(f'{NAME} cannot run the engine of {self.engine.name}')

    def _set_address(self, name: str, tensor: Tensor) -> None:
        if not self._context.set_tensor_address(name, tensor.data_ptr()):
            raise EngineError(
                f'the address of {name} is {tensor.data_ptr():#x}, which the engine of '
                f'{self.engine.name} does not accept'
            )


def _torch_type(kind: Any) -> torch.dtype:
    types = {
        'FLOAT': torch.float32,
        'HALF': torch.float16,
        'BF16': torch.bfloat16,
        'UINT8': torch.uint8,
        'INT32': torch.int32,
        'INT64': torch.int64,
    }
    return types[kind.name]
