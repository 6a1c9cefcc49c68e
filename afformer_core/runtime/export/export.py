# SPDX-License-Identifier: Apache-2.0
"""Export of the ONNX graphs of a network, each checked against PyTorch.

Graphs in fp32 read their weights from the weights file of the model.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import load_file
from torch import Tensor, nn

from afformer_core.files.atomic import write_aside
from afformer_core.models.afformer import Afformer
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.decoders.memory import VideoMemory
from afformer_core.models.fuse_batch_norm import FollowingNorm, following_norms
from afformer_core.models.matching.network import MatchingNetwork
from afformer_core.models.stored_weights import SCALE, restored
from afformer_core.runtime.golden_outputs import (
    compare_matching,
    exact_networks,
    make_golden_outputs,
)
from afformer_core.runtime.graphs import graphs_folder, graphs_of, move_graphs, write_graph_listing
from afformer_core.runtime.model_folder import (
    WEIGHTS_FILE,
    MatchingDescription,
    ModelDescription,
    NetworkDescription,
    read_network,
)
from afformer_core.runtime.self_test import TOLERANCES, Differences, self_test
from afformer_core.runtime.session import MatchingSession
from afformer_core.runtime.sessions.onnx_session import OnnxMatchingSession, OnnxSession
from afformer_core.runtime.sessions.torch_session import (
    TorchMatchingSession,
    TorchSession,
    prepared_matching_network,
    prepared_model,
)
from afformer_core.runtime.weights import load_matching_network, load_model

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


# Fused attention is one operator from opset 23 on, which TensorRT supports since 10.14; in earlier
# opsets it consists of several operators, which the compiler must recognize.
OPSETS = {'fp32': 18, 'fp16': 23, 'bf16': 23}


class _EncodeFrames(nn.Module):
    def __init__(self, model: Afformer) -> None:
        super().__init__()
        self.model = model

    def forward(self, frames: Tensor) -> Tensor:
        return self.model.encode_frames(frames)


class _Memorize(nn.Module):
    def __init__(self, model: Afformer) -> None:
        super().__init__()
        self.model = model

    def forward(self, features: Tensor) -> tuple[Tensor, ...]:
        memory = self.model.memorize(features[None])
        return tuple(tensor[0] for tensor in (*memory.keys, *memory.values))


class _EncodeImage(nn.Module):
    def __init__(self, model: Afformer) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        # The only operation on uint8 that TensorRT supports is conversion.
        images = image.to(self.model.encoder.image_type)[None]
        levels, features = self.model.encode_images(images)
        return *levels, features[0]


class _Decode(nn.Module):
    def __init__(self, model: Afformer) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, levels: tuple[Tensor, ...], tensors: tuple[Tensor, ...]
    ) -> tuple[Tensor, ...]:
        steps = len(tensors) // 2
        batch = [tensor[None] for tensor in tensors]
        memory = VideoMemory.of_tensors(
            batch[:steps], batch[steps:], self.model.configuration.memory_sizes
        )
        return tuple(output[0] for output in self.model.ground_levels(levels, memory))


class _Encode(nn.Module):
    def __init__(self, network: MatchingNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return self.network.encode(images)


class _FindContact(nn.Module):
    def __init__(self, network: MatchingNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, stages: tuple[Tensor, ...]) -> Tensor:
        return self.network.map_contact([stage[None] for stage in stages])[0]


def export_graphs(folder: Path, precision: str = 'fp32', opset: int | None = None) -> Differences:
    """Write the graphs of a network, and the golden outputs of a model.

    A model has the graphs of `DECODER_GRAPHS`, and a matching network those of `MATCHING_GRAPHS`.

    The number of frames T is dynamic, from 1 to the model's maximum where that is more than 1. The
    graphs, including those of a matching network, replace earlier ones (see `graphs_folder`) only
    after all are exported and their outputs agree with those of PyTorch in fp32.

    Args:
        folder: the folder of a model or of a matching network.
        precision: 'fp32', 'fp16' or 'bf16' (see `convert_precision`).
        opset: ONNX opset, at least 18; None: the opset in `OPSETS`.

    Returns:
        the largest differences from PyTorch (see `self_test`).

    Raises:
        ModelFolderError: the folder does not contain a valid model, or a graph disagrees with
            PyTorch.
        ValueError: the precision is unknown or does not suit the model.
    """
    description = read_network(folder)
    opset = opset or OPSETS[precision]
    with tempfile.TemporaryDirectory(prefix='.export.', dir=folder) as name:
        aside = Path(name)
        if isinstance(description, MatchingDescription):
            differences = _export_matching_network(folder, description, aside, precision, opset)
        else:
            differences = _export_model(folder, description, aside, precision, opset)
        move_graphs(aside, graphs_folder(folder, precision), description)
    return differences


def _export_model(
    folder: Path, description: ModelDescription, aside: Path, precision: str, opset: int
) -> Differences:
    model = prepared_model(folder, precision)
    _export_all(model, aside, opset)
    _compact(folder, description, aside, precision)
    golden = make_golden_outputs(exact_networks(folder))
    golden.write(aside)
    write_graph_listing(aside, description, precision, opset)
    graphs = graphs_of(aside, description, precision)
    # ONNX Runtime has no convolutions in bf16, so the network is tested instead.
    session = TorchSession(model) if precision == 'bf16' else OnnxSession(graphs)
    whole = replace(exact_networks(folder), decoder=session)
    return self_test(whole, golden, TOLERANCES[precision], description)


def _export_matching_network(
    folder: Path, description: MatchingDescription, aside: Path, precision: str, opset: int
) -> Differences:
    network = prepared_matching_network(folder, precision)
    height, width = network.configuration.input_size
    most = network.configuration.maximum_frames
    images = torch.zeros((2, height, width, 3), dtype=torch.uint8)
    stages = tuple(stage[:1].repeat(most, 1, 1, 1) for stage in network.encode(images))
    names = [f'stage_{number}' for number in range(len(stages))]
    time = {0: torch.export.Dim('T', min=1, max=most)} if most > 1 else None
    _export(
        _Encode(network), (images,), aside / 'encode.onnx',
        ['images'], names, {'images': {0: torch.export.Dim('N', min=1, max=1024)}}, opset,
    )  # fmt: skip
    if network.configuration.long_sides:
        _free_sides(aside / 'encode.onnx')
    _export(
        _FindContact(network), (stages,), aside / 'find_contact.onnx',
        names, ['log_probabilities'], {'stages': tuple(time for _ in stages)}, opset,
    )  # fmt: skip
    _compact(folder, description, aside, precision)
    write_graph_listing(aside, description, precision, opset)
    graphs = graphs_of(aside, description, precision)
    # ONNX Runtime has no convolutions in bf16, so the network is tested instead.
    session: MatchingSession = TorchMatchingSession(network)
    if precision != 'bf16':
        session = OnnxMatchingSession(graphs)
    exact = TorchMatchingSession.load(folder)
    return compare_matching(session, exact, description.configuration, TOLERANCES[precision])


def _compact(folder: Path, description: NetworkDescription, aside: Path, precision: str) -> None:
    """Remove what no library reads from graphs; those in fp32 read the folder's weights file."""
    weights = aside / WEIGHTS_FILE
    if precision == 'fp32':
        shutil.copyfile(folder / WEIGHTS_FILE, weights)
        load = load_model if isinstance(description, ModelDescription) else load_matching_network
        network = load(folder)
    for name in description.graph_names:
        path = aside / f'{name}.onnx'
        graph = onnx.load(path)
        if precision == 'fp32':
            read_from_weights_file(graph, weights, network)
        for node in graph.graph.node:
            del node.metadata_props[:]
        del graph.graph.value_info[:], graph.graph.metadata_props[:], graph.metadata_props[:]
        write_aside(path, graph.SerializeToString())


def _free_sides(path: Path) -> None:
    """Make height and width of the images of a convolutional graph free, in place.

    The padding of its convolutions is the same for all multiples of the coarsest stride. Exporting
    free sides gives the same graph in minutes instead of seconds.
    """
    model = onnx.load(path)
    for values, axes in ((model.graph.input, (1, 2)), (model.graph.output, (2, 3))):
        for value in values:
            for axis in axes:
                # The sides of each output are its own.
                value.type.tensor_type.shape.dim[axis].dim_param = f'{value.name}_{axis}'
    write_aside(path, model.SerializeToString())


def _export_all(model: Afformer, aside: Path, opset: int) -> None:
    height, width = model.configuration.input_size
    levels = len(model.configuration.memory_shapes(1))
    frames = torch.zeros((2, height, width, 3), dtype=torch.uint8)
    most = model.configuration.maximum_frames
    features = model.encode_frames(frames)[:1].repeat(most, 1, 1, 1)
    memory = _Memorize(model)(features)
    axes = _memory_axes(model.configuration)
    if most == 1:
        # The exporter treats an axis of length one as fixed, even if it is declared dynamic.
        memory = tuple(
            tensor if axis is None else torch.cat((tensor, tensor), 1)
            for tensor, axis in zip(memory, axes + axes, strict=True)
        )
    names = [f'{kind}_{level}' for kind in ('keys', 'values') for level in range(levels)]
    batch = torch.export.Dim('N', min=1, max=1024)
    time = {0: torch.export.Dim('T', min=1, max=most)} if most > 1 else None
    by_level = tuple(None if axis is None else {1: axis} for axis in axes)
    _export(
        _EncodeFrames(model), (frames,), aside / 'encode_frames.onnx',
        ['frames'], ['features'], {'frames': {0: batch}}, opset,
    )  # fmt: skip
    _export(
        _Memorize(model), (features,), aside / 'memorize.onnx',
        ['features'], names, {'features': time}, opset,
    )  # fmt: skip
    encoded, _ = model.encode_images(frames[:1])
    image_levels = [f'level_{number}' for number in range(len(encoded))]
    _export(
        _EncodeImage(model), (frames[0],), aside / 'encode_image.onnx',
        ['image'], [*image_levels, 'image_features'], {'image': None}, opset,
    )  # fmt: skip
    _export(
        _Decode(model), (encoded, memory), aside / 'decode.onnx',
        [*image_levels, *names], ['heatmap_logits', 'action_logits'],
        {'levels': tuple({} for _ in encoded), 'tensors': by_level + by_level}, opset,
    )  # fmt: skip


def _memory_axes(configuration: AfformerConfiguration) -> list[Any]:
    """Build the dynamic number of keys of each level, None if it does not depend on the frames.

    If actions are predicted from frames, the number is a multiple of the keys of a frame.
    """
    shapes, sizes = configuration.memory_shapes(1), configuration.memory_sizes
    if shapes == configuration.memory_shapes(2):
        return [None for _ in shapes]
    whole = configuration.action_pooling == 'frames'
    return [
        height * width * torch.export.Dim(f'F{level}', min=1, max=1 << 16)
        if whole and level == 0
        else torch.export.Dim(f'M{level}', min=1, max=1 << 30)
        for level, (height, width) in enumerate(sizes)
    ]


def _export(
    module: nn.Module,
    example: tuple[Any, ...],
    path: Path,
    inputs: list[str],
    outputs: list[str],
    dynamic_shapes: Mapping[str, Any],
    opset: int,
) -> None:
    logging.getLogger('torch.onnx').setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter('ignore')
        torch.onnx.export(
            module.eval(),
            example,
            path,
            input_names=inputs,
            output_names=outputs,
            dynamic_shapes=dict(dynamic_shapes),
            opset_version=opset,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
