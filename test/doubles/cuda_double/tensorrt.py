# SPDX-License-Identifier: Apache-2.0
"""TensorRT, and TensorRT for RTX, as far as they run engines: ONNX Runtime computes.

An engine is the path of an ONNX file with the shapes that it takes. A context must not be changed
once a graph has captured a run of it, and a graph must not outlive it.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import onnxruntime
import torch

from afformer_core.runtime.tensorrt import engine as product
from cuda_double import POISON, Address, Device, unobserved

Shape = tuple[int, ...]
Strategy = Enum('Strategy', 'STATIC ON_PROFILE_CHANGE USER_MANAGED')
Specialization = Enum('Specialization', 'LAZY EAGER NONE')
Mode = Enum('Mode', 'INPUT OUTPUT')
_KINDS = {
    'tensor(float)': ('FLOAT', torch.float32),
    'tensor(float16)': ('HALF', torch.float16),
    'tensor(uint8)': ('UINT8', torch.uint8),
}
_WORK = 4096


class TensorRT:
    """What the double was asked for.

    Args:
        device: on which engines run.
        is_rtx: whether it is TensorRT for RTX.

    Attributes:
        contexts: execution contexts that were made.
        fallbacks: runs by a fallback kernel, of TensorRT for RTX.
        work: addresses of what contexts were given to work in.
    """

    def __init__(self, device: Device, is_rtx: bool) -> None:
        self.device = device
        self.is_rtx = is_rtx
        self.contexts = 0
        self.fallbacks = 0
        self.work: set[int] = set()

    @property
    def module(self) -> Any:
        """What stands for the module `tensorrt`."""
        logger = type('Logger', (), {'ERROR': 0, '__init__': lambda self, severity: None})
        names: dict[str, Any] = {
            'Logger': logger,
            'Runtime': lambda _: self,
            'TensorIOMode': Mode,
            'ExecutionContextAllocationStrategy': Strategy,
        }
        if self.is_rtx:
            names['DynamicShapesKernelSpecializationStrategy'] = Specialization
        return SimpleNamespace(**names)

    def deserialize_cuda_engine(self, serialized: bytes) -> Engine | None:
        """See `trt.Runtime`."""
        try:
            fields = json.loads(serialized)
        except ValueError:
            return None
        return Engine(self, fields['graph'], fields['shapes'])


def serialized_engine(graph: Path, shapes: Mapping[str, Any]) -> bytes:
    """What the compiler would make of an ONNX file for some `ShapeRange` of each input."""
    ranges = {name: [one.smallest, one.largest] for name, one in shapes.items()}
    return json.dumps({'graph': str(graph), 'shapes': ranges}).encode()


@contextmanager
def tensorrt_double(trt: TensorRT) -> Iterator[TensorRT]:
    """Lets engines be run by the double."""
    with patch.multiple(product, trt=trt.module, IS_RTX=trt.is_rtx):
        yield trt


class Engine:
    """See `trt.ICudaEngine`."""

    device_memory_size_v2 = _WORK

    def __init__(self, trt: TensorRT, graph: str, shapes: dict[str, list[list[int]]]) -> None:
        self.trt = trt
        self.shapes = shapes
        self.network = onnxruntime.InferenceSession(graph, providers=['CPUExecutionProvider'])
        self._inputs = {one.name: one for one in self.network.get_inputs()}
        self._outputs = {one.name: one for one in self.network.get_outputs()}
        self._names = [*self._inputs, *self._outputs]
        self.num_io_tensors = len(self._names)
        self.output_shapes: dict[Any, dict[str, Shape]] = {}

    def get_tensor_name(self, index: int) -> str:
        return self._names[index]

    def get_tensor_mode(self, name: str) -> Mode:
        return Mode.INPUT if name in self._inputs else Mode.OUTPUT

    def get_tensor_dtype(self, name: str) -> Any:
        return SimpleNamespace(name=_KINDS[(self._inputs | self._outputs)[name].type][0])

    def kind(self, name: str) -> torch.dtype:
        """The type of a tensor."""
        return _KINDS[(self._inputs | self._outputs)[name].type][1]

    def takes(self, name: str, shape: Shape) -> bool:
        """Whether it was compiled for a shape."""
        if name not in self.shapes:
            return list(shape) == self._inputs[name].shape
        least, most = self.shapes[name]
        return len(shape) == len(most) and all(
            low <= size <= high for low, size, high in zip(least, shape, most, strict=True)
        )

    def create_runtime_config(self) -> RuntimeConfig:
        return RuntimeConfig()

    def create_execution_context(self, how: Any = Strategy.STATIC) -> Context:
        self.trt.contexts += 1
        return Context(self, how if isinstance(how, RuntimeConfig) else RuntimeConfig(how))

    def run(self, feed: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """What it computes."""
        outputs: list[np.ndarray] = self.network.run(None, dict(feed))
        return outputs

    def find_output_shapes(self, shapes: Mapping[str, Shape]) -> dict[str, Shape]:
        """The shapes of what it gives for shapes of what it is given."""
        key = tuple(sorted(shapes.items()))
        if key not in self.output_shapes:
            feed = {
                name: np.zeros(shape, np.dtype(str(self.kind(name)).removeprefix('torch.')))
                for name, shape in shapes.items()
            }
            found = self.run(feed)
            self.output_shapes[key] = dict(
                zip(self._outputs, (one.shape for one in found), strict=True)
            )
        return self.output_shapes[key]


class RuntimeConfig:
    """See `trt.IRuntimeConfig`."""

    dynamic_shapes_kernel_specialization_strategy = Specialization.LAZY

    def __init__(self, strategy: Strategy = Strategy.STATIC) -> None:
        self.strategy = strategy

    def set_execution_context_allocation_strategy(self, strategy: Strategy) -> None:
        self.strategy = strategy


class Context:
    """See `trt.IExecutionContext`."""

    def __init__(self, engine: Engine, config: RuntimeConfig) -> None:
        self._engine = engine
        self._config = config
        self._device = engine.trt.device
        self._shapes: dict[str, Shape] = {}
        self._addresses: dict[str, int] = {}
        self._work: Address | None = None
        self._is_captured = False
        if config.strategy is not Strategy.USER_MANAGED:
            self._own_work = self._device.new((_WORK,), torch.uint8)
            self._work = Address.of(self._device, self._own_work)

    def set_device_memory(self, memory: int, size: int) -> None:
        self._change()
        if size < _WORK:
            raise RuntimeError(f'{size} bytes to work in; {_WORK} are needed')
        self._work = self._at(memory, torch.uint8, (size,))
        self._engine.trt.work.add(memory)

    def set_input_shape(self, name: str, shape: Shape) -> bool:
        self._change()
        if not self._engine.takes(name, shape):
            return False
        self._shapes[name] = tuple(shape)
        return True

    def set_tensor_address(self, name: str, memory: int) -> bool:
        self._change()
        self._addresses[name] = memory
        return memory != 0

    def get_tensor_shape(self, name: str) -> Shape:
        return self._engine.find_output_shapes(self._shapes)[name]

    def execute_async_v3(self, stream_handle: int) -> bool:
        device = self._device
        if device.is_lost or self._work is None or stream_handle != device.stream.cuda_stream:
            return False
        run = self._kernel()
        if device.capturing is None:
            device.stream.flush()
            with unobserved(), torch.inference_mode():
                run()
        else:
            self._is_captured = True
            alive = weakref.ref(self)

            def replay() -> None:
                assert alive() is not None, 'a graph was replayed whose context is gone'
                run()

            device.capturing.add(replay)
        return True

    def _kernel(self) -> Any:
        """What runs, with the shapes and addresses of this moment."""
        engine, work = self._engine, self._work
        inputs = {
            name: self._at(self._addresses[name], engine.kind(name), shape)
            for name, shape in self._shapes.items()
        }
        outputs = {
            name: self._at(self._addresses[name], engine.kind(name), shape)
            for name, shape in engine.find_output_shapes(self._shapes).items()
        }
        strategy = self._config.dynamic_shapes_kernel_specialization_strategy
        engine.trt.fallbacks += engine.trt.is_rtx and strategy is not Specialization.EAGER

        def run() -> None:
            found = engine.run({name: one.tensor().numpy().copy() for name, one in inputs.items()})
            work.tensor().fill_(POISON)
            for position, array in zip(outputs.values(), found, strict=True):
                position.tensor().copy_(torch.from_numpy(array))

        return run

    def _at(self, address: int, dtype: torch.dtype, shape: Shape) -> Address:
        with unobserved():
            stride = torch.empty(shape, device='meta').stride()
        return Address(self._device.gpu, address, dtype, shape, stride)

    def _change(self) -> None:
        assert not self._is_captured, 'a context was changed after a graph had captured it'
