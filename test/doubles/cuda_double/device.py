# SPDX-License-Identifier: Apache-2.0
"""The state of the double: memory, streams, what is being captured, and whether it is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

from cuda_double.allocator import Allocator, Pool

if TYPE_CHECKING:
    from cuda_double.graphs import CUDAGraph

_STICKY = 'CUDA error: an illegal memory access was encountered'


@contextmanager
def unobserved() -> Iterator[None]:
    """Compute with what the double's tensors are: tensors of the host."""
    with torch._C.DisableTorchFunction(), _disable_current_modes(), torch.no_grad():
        yield


class Stream:
    """Does at once what PyTorch enqueues, and what is asynchronous when somebody waits for it."""

    _made = 0

    def __init__(self, device: Device) -> None:
        Stream._made += 1
        self.cuda_stream = Stream._made
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
        replays: graphs that were launched.
        uploads: bytes that were copied to the GPU.
        capturing: the graph that captures; None: none does.
    """

    def __init__(self, size: int = 1 << 29) -> None:
        self.gpu = Allocator(size)
        self.host = Allocator(1 << 26)
        self.captures = 0
        self.replays = 0
        self.uploads = 0
        self.capturing: CUDAGraph | None = None
        self._is_lost = False
        self.default_stream = Stream(self)
        self.stream = self.default_stream
        self.streams = {self.default_stream.cuda_stream: self.default_stream}

    def lose(self) -> None:
        """Let every later call fail."""
        self._is_lost = True

    @property
    def is_lost(self) -> bool:
        """Whether every call fails."""
        return self._is_lost

    def require(self) -> None:
        """Fail if the device is lost."""
        if self._is_lost:
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
