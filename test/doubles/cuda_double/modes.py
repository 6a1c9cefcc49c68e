# SPDX-License-Identifier: Apache-2.0
"""PyTorch's functions on the double of a GPU, where a tensor is or shall be."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from cuda_double.device import Device, unobserved

_TO_HOST = {'aten::_local_scalar_dense', 'aten::item', 'aten::is_nonzero', 'aten::nonzero'}
_CONVOLUTIONS = {'aten::conv2d', 'aten::conv1d', 'aten::conv3d', 'aten::convolution',
                 'aten::conv_transpose2d'}  # fmt: skip
_PRODUCTS = {'aten::matmul', 'aten::linear', 'aten::bmm', 'aten::mm', 'aten::addmm'}


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
        rounded = _as_tf32(function) if _allows_tf32(function) else function
        changed = [
            one
            for argument, one in zip(function._schema.arguments, args, strict=False)
            if argument.alias_info is not None and argument.alias_info.is_write
        ]
        before = [one.clone() for one in changed] if captured else []
        found = rounded(*args, **kwargs)
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
            captured.add_function(rounded, args, kwargs, new)
            for one, was in zip(changed, before, strict=True):
                one.copy_(was)
        return there[0] if single else type(found)(there)


def _allows_tf32(function: Any) -> bool:
    name = function._schema.name
    return (name in _CONVOLUTIONS and torch.backends.cudnn.allow_tf32) or (
        name in _PRODUCTS and torch.backends.cuda.matmul.allow_tf32
    )


def _as_tf32(function: Any) -> Any:
    """The function, with the fp32 numbers that it multiplies rounded to 10 bits of mantissa."""

    def rounded(*args: Any, **kwargs: Any) -> Any:
        factors = [_round(one) if index < 2 else one for index, one in enumerate(args)]
        return function(*factors, **kwargs)

    return rounded


def _round(factor: Any) -> Any:
    if not isinstance(factor, Tensor) or factor.dtype != torch.float32:
        return factor
    bits = factor.contiguous().view(torch.int32)
    return ((bits + 0xFFF + ((bits >> 13) & 1)) & ~0x1FFF).view(torch.float32)


def _copied(device: Device, there: Tensor, made: Tensor) -> Tensor:
    if device.capturing is not None:
        device.capturing.add_function(torch.ops.aten.copy_.default, (there, made), {}, [])
    with unobserved():
        return there.copy_(made)


def _is_cuda(value: Any) -> bool:
    if isinstance(value, torch.device):
        return value.type == 'cuda'
    return isinstance(value, str) and value.split(':')[0] == 'cuda'
