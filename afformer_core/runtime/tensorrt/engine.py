# SPDX-License-Identifier: Apache-2.0
"""One compiled graph on the GPU: its buffers, its stream, and how it is run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from afformer_core.errors import EngineError
from afformer_core.runtime.tensorrt.library import NAME, trt


class Engine:
    """Runs an engine in a stream; what it gives stays on the GPU until the next run.

    Args:
        name: of the graph, for messages.
        serialized: the engine.
        stream: in which it runs.

    Raises:
        EngineError: it is not an engine of this library for this GPU, or there is no room for it.
    """

    def __init__(self, name: str, serialized: bytes, stream: torch.cuda.Stream) -> None:
        self._name = name
        self._stream = stream
        self._logger = trt.Logger(trt.Logger.ERROR)
        self._runtime = trt.Runtime(self._logger)
        engine = self._runtime.deserialize_cuda_engine(serialized)
        if engine is None:
            raise EngineError(f'{NAME} cannot load the engine of {name}; it is for another GPU')
        context = engine.create_execution_context()
        if context is None:
            raise EngineError(f'the GPU has no room for the engine of {name}')
        self._engine, self._context = engine, context
        self._inputs: dict[str, torch.dtype] = {}
        self._outputs: dict[str, torch.dtype] = {}
        for index in range(engine.num_io_tensors):
            tensor = engine.get_tensor_name(index)
            is_input = engine.get_tensor_mode(tensor) == trt.TensorIOMode.INPUT
            kinds = self._inputs if is_input else self._outputs
            kinds[tensor] = _torch_type(engine.get_tensor_dtype(tensor))
        self._buffers: dict[str, Tensor] = {}

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of what it gives, in the order of the graph."""
        return tuple(self._outputs)

    def input_type(self, name: str) -> torch.dtype:
        """What the input of a name must be made of."""
        return self._inputs[name]

    def bind(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Make ready to run with inputs, contiguous tensors on the GPU that stay where they are.

        Returns:
            the buffers of the outputs; those of the last call where the shapes are the same.

        Raises:
            EngineError: an input has a shape that the engine was not compiled for.
        """
        for name, tensor in inputs.items():
            shape = tuple(tensor.shape)
            if not self._context.set_input_shape(name, shape):
                raise EngineError(
                    f'the engine of {self._name} does not take {name} of shape {shape}; compile '
                    'one for a model of more frames'
                )
            self._context.set_tensor_address(name, tensor.data_ptr())
        for name, kind in self._outputs.items():
            sizes = self._context.get_tensor_shape(name)
            shape = tuple(sizes[axis] for axis in range(len(sizes)))
            buffer = self._buffers.get(name)
            if buffer is None or tuple(buffer.shape) != shape:
                buffer = self._buffers[name] = torch.empty(shape, dtype=kind, device='cuda')
            self._context.set_tensor_address(name, buffer.data_ptr())
        return dict(self._buffers)

    def enqueue(self) -> None:
        """Run with what was bound; the stream has done it later."""
        if not self._context.execute_async_v3(self._stream.cuda_stream):
            raise EngineError(f'{NAME} cannot run the engine of {self._name}')


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
