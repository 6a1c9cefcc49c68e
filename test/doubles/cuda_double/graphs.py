# SPDX-License-Identifier: Apache-2.0
"""Captured graphs, which know nothing but functions and addresses."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from cuda_double.allocator import Allocator, Pool
from cuda_double.device import Device, Stream, unobserved

Shape = tuple[int, ...]


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
        self._device.replays += 1
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
