# SPDX-License-Identifier: Apache-2.0
"""A double of CUDA, as far as sessions use it, on the CPU.

Tensors "on the GPU" lie in an arena of their own. What is freed there is poisoned and handed out
again at once; captured graphs read and write by address, so that they compute with whatever
stands there when they are replayed. `cuda_double.tensorrt` doubles what of TensorRT runs engines.
"""

from __future__ import annotations

import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_leaves, tree_map

# NaN as a float of any width, -1 as an integer.
POISON = 0xFF
_SMALLEST = 512
_STICKY = 'CUDA error: an illegal memory access was encountered'
_TO_HOST = {'aten::_local_scalar_dense', 'aten::item', 'aten::is_nonzero', 'aten::nonzero'}
_PROPERTIES = SimpleNamespace(
    name='Double', major=8, minor=6, multi_processor_count=8, total_memory=1 << 33
)

Shape = tuple[int, ...]


class Pool:
    """Blocks that were freed and that only the owners of the pool are given, by size."""

    def __init__(self) -> None:
        self.free: dict[int, list[int]] = defaultdict(list)
        self.graphs = 0


class Allocator:
    """Hands out blocks of one arena as tensors; a block is free when no tensor of it is left.

    Args:
        size: bytes of the arena.
    """

    def __init__(self, size: int) -> None:
        self._arena = np.zeros(size, np.uint8)
        self._typed: dict[torch.dtype, Tensor] = {}
        self._begin = self._arena.ctypes.data
        self._top = 0
        self.general = Pool()
        self.allocated = 0

    def new(self, shape: tuple[int, ...], dtype: torch.dtype, pool: Pool | None = None) -> Tensor:
        """A poisoned tensor."""
        count = int(np.prod(shape, dtype=np.int64))
        size = count * dtype.itemsize
        block = max(_SMALLEST, 1 << max(size - 1, 0).bit_length())
        pool = pool or self.general
        start = self._start(block, pool)
        array = self._arena[start : start + block]
        array.fill(POISON)
        weakref.finalize(array, self._release, start, block, pool).atexit = False
        self.allocated += block
        return torch.from_numpy(array)[:size].view(dtype).view(shape)

    def owns(self, tensor: Tensor) -> bool:
        """Whether a tensor lies in the arena."""
        offset = tensor.untyped_storage().data_ptr() - self._begin
        return 0 <= offset < len(self._arena)

    def at(
        self, address: int, dtype: torch.dtype, size: tuple[int, ...], stride: tuple[int, ...]
    ) -> Tensor:
        """What stands at an address, whoever owns it."""
        if dtype not in self._typed:
            self._typed[dtype] = torch.from_numpy(self._arena).view(dtype)
        offset = (address - self._begin) // dtype.itemsize
        return torch.as_strided(self._typed[dtype], size, stride, offset)

    def give_up(self, pool: Pool) -> None:
        """Let everybody have the free blocks of a pool."""
        for block, starts in pool.free.items():
            self.general.free[block].extend(starts)
        pool.free = self.general.free

    def _start(self, block: int, pool: Pool) -> int:
        if pool.free[block]:
            return pool.free[block].pop()
        start = self._top
        if start + block > len(self._arena):
            raise torch.OutOfMemoryError('CUDA out of memory')
        self._top += block
        return start

    def _release(self, start: int, block: int, pool: Pool) -> None:
        self._arena[start : start + block] = POISON
        self.allocated -= block
        pool.free[block].append(start)


@contextmanager
def unobserved() -> Iterator[None]:
    """Compute with what the double's tensors are: tensors of the host."""
    with torch._C.DisableTorchFunction(), _disable_current_modes(), torch.no_grad():
        yield


class Stream:
    """Does at once what PyTorch enqueues, and what is asynchronous when somebody waits for it."""

    def __init__(self, device: Device) -> None:
        self.cuda_stream = id(self)
        self.pending: list[Callable[[], None]] = []
        self._device = device

    def synchronize(self) -> None:
        """See `torch.cuda.Stream.synchronize`."""
        self._device.require()
        self._device.refuse_in_a_capture('synchronize')
        self.flush()

    def flush(self) -> None:
        """Do what was enqueued."""
        if not self.pending:
            return
        pending, self.pending = self.pending, []
        with unobserved(), torch.inference_mode():
            for work in pending:
                work()


class Device:
    """One GPU.

    Attributes:
        gpu: its memory.
        host: pinned memory of the host.
        captures: graphs that were captured.
        uploads: bytes that were copied to the GPU.
        capturing: the graph that captures; None: none does.
        is_lost: whether every call fails.
    """

    def __init__(self, size: int = 1 << 29) -> None:
        self.gpu = Allocator(size)
        self.host = Allocator(1 << 26)
        self.captures = 0
        self.uploads = 0
        self.capturing: CUDAGraph | None = None
        self.is_lost = False
        self.default_stream = Stream(self)
        self.stream = self.default_stream
        self.streams = {self.default_stream.cuda_stream: self.default_stream}

    def lose(self) -> None:
        """Let every later call fail."""
        self.is_lost = True

    def require(self) -> None:
        """Fail if the device is lost."""
        if self.is_lost:
            raise torch.AcceleratorError(_STICKY)

    def refuse_in_a_capture(self, what: str) -> None:
        """Fail while a graph captures."""
        if self.capturing is not None:
            raise torch.AcceleratorError(
                f'CUDA error: operation not permitted when stream is capturing ({what})'
            )

    @property
    def pool(self) -> Pool | None:
        """What memory is taken from; None: what everybody has."""
        return None if self.capturing is None else self.capturing.pool

    def new_stream(self) -> Stream:
        """Another stream."""
        stream = Stream(self)
        self.streams[stream.cuda_stream] = stream
        return stream

    def synchronize(self) -> None:
        """See `torch.cuda.synchronize`."""
        for stream in self.streams.values():
            stream.synchronize()

    def new(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """A poisoned tensor on the GPU."""
        self.require()
        with unobserved():
            return self.gpu.new(shape, dtype, self.pool)

    def upload(self, tensor: Tensor) -> Tensor:
        """A tensor of the host on the GPU."""
        self.refuse_in_a_capture('a copy from pageable memory')
        self.stream.flush()
        there = self.new(tuple(tensor.shape), tensor.dtype)
        with unobserved():
            there.copy_(tensor)
        self.uploads += tensor.nbytes
        return there

    def download(self, tensor: Tensor) -> Tensor:
        """A tensor of the GPU on the host."""
        self.require()
        self.refuse_in_a_capture('a copy to pageable memory')
        self.stream.flush()
        with unobserved():
            return tensor.clone()


class Address:
    """Where a tensor lies, and nothing that would keep it there."""

    def __init__(
        self, position: Allocator, pointer: int, dtype: torch.dtype, shape: Shape, stride: Shape
    ) -> None:
        self._position = position
        self._pointer = pointer
        self._layout = dtype, shape, stride

    @classmethod
    def of(cls, device: Device, tensor: Tensor) -> Address:
        """That of a tensor of the double."""
        position = device.gpu if device.gpu.owns(tensor) else device.host
        return cls(position, tensor.data_ptr(), tensor.dtype, tuple(tensor.shape), tensor.stride())

    def tensor(self) -> Tensor:
        """What stands there."""
        return self._position.at(self._pointer, *self._layout)


class CUDAGraph:
    """See `torch.cuda.CUDAGraph`."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self.pool: Pool | None = None
        self._steps: list[Callable[[], None]] = []
        self._written: list[Address] = []

    def begin(self, pool: Pool | None) -> None:
        """Capture from now on."""
        self.pool = pool or Pool()
        self.pool.graphs += 1
        weakref.finalize(self, _leave, self._device, self.pool).atexit = False
        self._device.capturing = self

    def end(self) -> None:
        """Capture no more: nothing has been computed yet."""
        self._device.capturing = None
        self._device.captures += 1
        with unobserved(), torch.inference_mode():
            for address in self._written:
                tensor = address.tensor()
                tensor.fill_(float('nan') if tensor.is_floating_point() else 0)
        self._written = []

    def add(self, step: Callable[[], None]) -> None:
        """Capture a step."""
        self._steps.append(step)

    def add_function(self, function: Any, args: Any, kwargs: Any, outputs: list[Tensor]) -> None:
        """Capture a function of tensors, and where it writes new ones."""
        device = self._device

        def known(tensor: Any) -> Any:
            if isinstance(tensor, Tensor) and (
                device.gpu.owns(tensor) or device.host.owns(tensor)
            ):
                return Address.of(device, tensor)
            return tensor

        def there(position: Any) -> Any:
            return position.tensor() if isinstance(position, Address) else position

        positions = tree_map(known, (args, kwargs))
        results = [Address.of(device, tensor) for tensor in outputs]
        self._written += results

        def step() -> None:
            these, those = tree_map(there, positions)
            found = function(*these, **those)
            found = list(found) if isinstance(found, tuple | list) else [found]
            for position, tensor in zip(results, found, strict=bool(results)):
                position.tensor().copy_(tensor)

        self.add(step)

    def replay(self) -> None:
        """See `torch.cuda.CUDAGraph.replay`."""
        self._device.require()
        self._device.stream.pending += self._steps


@contextmanager
def graph(
    device: Device,
    captured: CUDAGraph,
    pool: Pool | None = None,
    stream: Stream | None = None,
    capture_error_mode: str = 'global',
) -> Iterator[None]:
    """See `torch.cuda.graph`."""
    device.synchronize()
    with use(device, stream or device.new_stream()):
        captured.begin(pool)
        try:
            yield
        finally:
            captured.end()


@contextmanager
def use(device: Device, stream: Stream) -> Iterator[None]:
    """See `torch.cuda.stream`."""
    before, device.stream = device.stream, stream
    try:
        yield
    finally:
        device.stream = before


def _leave(device: Device, pool: Pool) -> None:
    pool.graphs -= 1
    if pool.graphs == 0:
        device.gpu.give_up(pool)


class Devices(TorchFunctionMode):
    """Takes `device='cuda'` for the double, and `pin_memory=True` for its pinned memory."""

    def __init__(self, device: Device) -> None:
        super().__init__()
        self._device = device

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if function is Tensor.to and any(_is_cuda(one) for one in (*args, kwargs.get('device'))):
            return self._to(args[0], [*args[1:], *kwargs.values()])
        if function is Tensor.cpu:
            return self._device.download(args[0]) if self._is_there(args[0]) else args[0]
        if function is Tensor.numpy and self._is_there(args[0]):
            raise TypeError("can't convert cuda:0 device type tensor to numpy")
        if _is_cuda(kwargs.get('device')):
            del kwargs['device']
            made = function(*args, **kwargs)
            there = self._device.new(tuple(made.shape), made.dtype)
            return there if function is torch.empty else _copied(self._device, there, made)
        if kwargs.pop('pin_memory', False):
            made = function(*args, **kwargs)
            with unobserved():
                pinned = self._device.host.new(tuple(made.shape), made.dtype)
            if function is not torch.empty:
                with unobserved():
                    pinned.copy_(made)
            return pinned
        return function(*args, **kwargs)

    def _is_there(self, tensor: Tensor) -> bool:
        return self._device.gpu.owns(tensor)

    def _to(self, tensor: Tensor, expected: list[Any]) -> Tensor:
        kind = next((one for one in expected if isinstance(one, torch.dtype)), tensor.dtype)
        if self._is_there(tensor):
            return tensor.to(kind)
        with unobserved():
            converted = tensor.detach().to(kind)
        return self._device.upload(converted)


class Operators(TorchDispatchMode):
    """Puts what is computed from tensors of the double there, and lets a graph capture it."""

    def __init__(self, device: Device) -> None:
        super().__init__()
        self._device = device

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        device = self._device
        tensors = [one for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor)]
        if not any(device.gpu.owns(one) for one in tensors):
            return function(*args, **kwargs)
        device.require()
        name = function._schema.name
        if name in _TO_HOST:
            device.refuse_in_a_capture(name)
        if name == 'aten::copy_' and not all(device.gpu.owns(one) for one in tensors[:2]):
            return self._copy(function, args, kwargs)
        if device.capturing is None:
            device.stream.flush()
        with unobserved():
            return self._compute(function, args, kwargs)

    def _copy(self, function: Any, args: Any, kwargs: Any) -> Tensor:
        """Between the GPU and the host."""
        device, (target, source) = self._device, args[:2]
        non_blocking = args[2] if len(args) > 2 else kwargs.get('non_blocking', False)
        is_pinned = device.host.owns(target) or device.host.owns(source)
        if device.gpu.owns(target):
            device.uploads += source.nbytes
        if device.capturing is not None:
            if not (non_blocking and is_pinned):
                device.refuse_in_a_capture('a copy that blocks')
            device.capturing.add_function(function, args, kwargs, [])
        elif non_blocking and is_pinned:
            device.stream.pending.append(lambda: target.copy_(source))
        else:
            device.stream.flush()
            with unobserved():
                target.copy_(source)
        return target

    def _compute(self, function: Any, args: Any, kwargs: Any) -> Any:
        device, captured = self._device, self._device.capturing
        changed = [
            one
            for argument, one in zip(function._schema.arguments, args, strict=False)
            if argument.alias_info is not None and argument.alias_info.is_write
        ]
        before = [one.clone() for one in changed] if captured else []
        found = function(*args, **kwargs)
        single = not isinstance(found, tuple | list)
        results = [found] if single else list(found)
        there, new = [], []
        for one in results:
            if isinstance(one, Tensor) and not device.gpu.owns(one):
                position = device.gpu.new(tuple(one.shape), one.dtype, device.pool)
                new.append(position.copy_(one))
                one = position
            there.append(one)
        if captured is not None and (new or changed):
            captured.add_function(function, args, kwargs, new)
            for one, was in zip(changed, before, strict=True):
                one.copy_(was)
        return there[0] if single else type(found)(there)


def _copied(device: Device, there: Tensor, made: Tensor) -> Tensor:
    if device.capturing is not None:
        device.capturing.add_function(torch.ops.aten.copy_.default, (there, made), {}, [])
    with unobserved():
        return there.copy_(made)


def _is_cuda(value: Any) -> bool:
    if isinstance(value, torch.device):
        return value.type == 'cuda'
    return isinstance(value, str) and value.split(':')[0] == 'cuda'


@contextmanager
def cuda_double() -> Iterator[Device]:
    """A GPU of compute capability 8.6 with 8 GiB, in this thread."""
    device = Device()
    doubles = {
        'is_available': lambda: True,
        'current_device': lambda: 0,
        'get_device_name': lambda *_: _PROPERTIES.name,
        'get_device_capability': lambda *_: (_PROPERTIES.major, _PROPERTIES.minor),
        'get_device_properties': lambda *_: _PROPERTIES,
        'synchronize': device.synchronize,
        'Stream': device.new_stream,
        'stream': partial(use, device),
        'CUDAGraph': partial(CUDAGraph, device),
        'graph': partial(graph, device),
        'graph_pool_handle': Pool,
    }
    with patch.multiple(torch.cuda, **doubles), Devices(device), Operators(device):
        yield device
