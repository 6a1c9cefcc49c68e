# SPDX-License-Identifier: Apache-2.0
"""Weights that a graph reads from the weights file of its model."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import load_file
from torch import nn

from afformer_core.models.fuse_batch_norm import FollowingNorm, following_norms
from afformer_core.models.stored_weights import SCALE, restored

_TYPES = {'F32': TensorProto.FLOAT, 'F16': TensorProto.FLOAT16, 'I8': TensorProto.INT8}
# Smaller tensors stay in the graph.
_FEWEST_VALUES = 64


def read_from_weights_file(graph: onnx.ModelProto, weights: Path, network: nn.Module) -> None:
    """Replace the weights of a graph, in place, by those of a file in the folder of the graph.

    The library that loads the graph converts weights in half precision or eight bits to fp32, and
    folds batch norms into convolutions. Constants that are no weights stay in the graph.

    Args:
        graph: graph in fp32 of the network after `fold_batch_norms`.
        weights: file of the stored weights, in safetensors format.
        network: the network with these weights, before `fold_batch_norms`.
    """
    writer = _Writer(weights)
    known = dict(_known_weights(network, weights, writer))
    kept = []
    for constant in graph.graph.initializer:
        value = numpy_helper.to_array(constant)
        write = known.get(_bytes(value)) if value.size >= _FEWEST_VALUES else None
        if write is None:
            kept.append(constant)
        else:
            writer.rename(write(), constant.name, value.shape)
    operators = [*writer.operators, *graph.graph.node]
    del graph.graph.initializer[:], graph.graph.node[:]
    graph.graph.initializer.extend([*kept, *writer.tensors.values()])
    graph.graph.node.extend(operators)


def _known_weights(
    network: nn.Module, weights: Path, writer: _Writer
) -> Iterator[tuple[bytes, Callable[[], str]]]:
    """Yield the bytes of weights in fp32, with functions that write their computation."""
    for name, tensor in restored(load_file(weights)).items():
        value = tensor.float().numpy()
        yield _bytes(value), partial(writer.stored, name)
        if value.ndim == 2:
            yield _bytes(value.T), partial(writer.transposed, name)
    for norm in following_norms(network):
        convolution = norm.folded()
        assert convolution.bias is not None
        yield _bytes(convolution.weight.numpy()), partial(writer.folded_weight, norm)
        yield _bytes(convolution.bias.numpy()), partial(writer.folded_bias, norm)


def _bytes(value: np.ndarray[Any, Any]) -> bytes:
    return np.ascontiguousarray(value, np.float32).tobytes()


class _Writer:
    """Writes operators that compute weights from the tensors of a weights file.

    Each method returns the name of its result.

    Attributes:
        tensors: tensors of the file and constants, by name.
        operators: operators in the order of their computation.
    """

    def __init__(self, weights: Path) -> None:
        self._file = weights.name
        with weights.open('rb') as stream:
            length = int.from_bytes(stream.read(8), 'little')
            self._header = json.loads(stream.read(length))
        self._first_byte = 8 + length
        self.tensors: dict[str, TensorProto] = {}
        self.operators: list[onnx.NodeProto] = []

    def stored(self, name: str, axes_after: int | None = None) -> str:
        """Convert a stored tensor to fp32.

        Args:
            name: its name in the file.
            axes_after: number of axes of length one after the axis of a vector.
        """
        shape = list(self._header[name]['shape'])
        if axes_after is not None:
            shape += [1] * axes_after
        result = self._external(name, shape)
        if self._header[name]['dtype'] != 'F32':
            result = self._apply('Cast', result, to=TensorProto.FLOAT)
        if name + SCALE in self._header:
            result = self._apply('Mul', result, self.stored(name + SCALE, len(shape) - 1))
        return result

    def transposed(self, name: str) -> str:
        """Convert a stored matrix to fp32 and transpose it."""
        return self._apply('Transpose', self.stored(name), perm=(1, 0))

    def folded_weight(self, norm: FollowingNorm) -> str:
        """Compute the weight of a convolution with its batch norm folded in."""
        weight = self.stored(f'{norm.path}{norm.convolution}.weight')
        scale = self._apply('Mul', self._of_norm(norm, 'weight', 3), self._deviation(norm, 3))
        return self._apply('Mul', weight, scale)

    def folded_bias(self, norm: FollowingNorm) -> str:
        """Compute the bias of a convolution with its batch norm folded in."""
        bias = f'{norm.path}{norm.convolution}.bias'
        mean = self._of_norm(norm, 'running_mean')
        centred = (
            self._apply('Sub', self.stored(bias), mean)
            if bias in self._header
            else self._apply('Neg', mean)
        )
        scaled = self._apply('Mul', centred, self._deviation(norm, 0))
        scaled = self._apply('Mul', scaled, self._of_norm(norm, 'weight'))
        return self._apply('Add', scaled, self._of_norm(norm, 'bias'))

    def rename(self, result: str, name: str, shape: tuple[int, ...]) -> None:
        """Give a result the name and the shape of a constant."""
        sides = self._constant(f'{name}/shape', np.array(shape, np.int64))
        self.operators.append(helper.make_node('Reshape', [result, sides], [name]))

    def _of_norm(self, norm: FollowingNorm, tensor: str, axes_after: int = 0) -> str:
        return self.stored(f'{norm.path}{norm.norm}.{tensor}', axes_after)

    def _deviation(self, norm: FollowingNorm, axes_after: int) -> str:
        """Compute the inverse of the standard deviation of a batch norm."""
        epsilon = np.array(getattr(norm.parent, norm.norm).eps, np.float32)
        name = self._constant(f'{norm.path}{norm.norm}.eps', epsilon)
        variance = self._apply('Add', self._of_norm(norm, 'running_var', axes_after), name)
        return self._apply('Reciprocal', self._apply('Sqrt', variance))

    def _apply(self, operator: str, *inputs: str, **attributes: Any) -> str:
        name = f'weights/{len(self.operators)}'
        self.operators.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def _constant(self, name: str, value: np.ndarray[Any, Any]) -> str:
        self.tensors[name] = numpy_helper.from_array(value, name)
        return name

    def _external(self, name: str, shape: list[int]) -> str:
        """Return the name of a tensor of the file, with another shape of the same size."""
        entry = self._header[name]
        first, last = entry['data_offsets']
        key = f'{name}/{"x".join(map(str, shape))}'
        tensor = TensorProto(
            name=key, data_type=_TYPES[entry['dtype']], dims=shape, data_location='EXTERNAL'
        )
        position = {
            'location': self._file, 'offset': self._first_byte + first, 'length': last - first
        }  # fmt: skip
        for field, value in position.items():
            tensor.external_data.add(key=field, value=str(value))
        self.tensors[key] = tensor
        return key
