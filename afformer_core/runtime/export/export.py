# SPDX-License-Identifier: Apache-2.0
"""Export of the ONNX graphs of a model folder, each checked against PyTorch."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from afformer_core.models.afformer import Afformer
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.decoders.memory import VideoMemory
from afformer_core.models.matching.matching_decoder import MatchingDecoder
from afformer_core.runtime.golden.differences import TOLERANCES, Differences
from afformer_core.runtime.golden.golden_outputs import exact_session, make_golden_outputs
from afformer_core.runtime.graphs import (
    CONTACT_GRAPH,
    graphs_folder,
    graphs_of,
    move_graphs,
    write_graph_listing,
)
from afformer_core.runtime.model_folder import read_description
from afformer_core.runtime.self_test import self_test
from afformer_core.runtime.sessions.onnx_session import OnnxSession
from afformer_core.runtime.sessions.torch_session import TorchSession, prepared_model

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


class _FindContact(nn.Module):
    def __init__(self, decoder: MatchingDecoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, features: Tensor) -> Tensor:
        return self.decoder.find_contact(features[None])[0]


class _Ground(nn.Module):
    def __init__(self, model: Afformer) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor, tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        levels = len(tensors) // 2
        batch = [tensor[None] for tensor in tensors]
        memory = VideoMemory.of_tensors(
            batch[:levels], batch[levels:], self.model.configuration.memory_sizes
        )
        # The only operation on uint8 that TensorRT supports is conversion.
        images = image.to(self.model.encoder.image_type)[None]
        return tuple(output[0] for output in self.model.ground_with_features(images, memory))


def export_graphs(folder: Path, precision: str = 'fp32', opset: int | None = None) -> Differences:
    """Write `encode_frames.onnx`, `memorize.onnx`, `ground.onnx` and their golden outputs.

    A matching network also has `find_contact.onnx`.

    The number of frames T is dynamic, from 1 to the model's maximum where that is more than 1. The
    graphs, including those of a matching network, replace earlier ones (see `graphs_folder`) only
    after all are exported and their outputs agree with those of PyTorch in fp32.

    Args:
        folder: the model folder.
        precision: 'fp32', 'fp16' or 'bf16' (see `convert_precision`).
        opset: ONNX opset, at least 18; None: the opset in `OPSETS`.

    Returns:
        the largest differences from PyTorch (see `self_test`).

    Raises:
        ModelFolderError: the folder does not contain a valid model, or a graph disagrees with
            PyTorch.
        ValueError: the precision is unknown or does not suit the model.
    """
    description = read_description(folder)
    model = prepared_model(folder, precision)
    opset = opset or OPSETS[precision]
    with tempfile.TemporaryDirectory(prefix='.export.', dir=folder) as name:
        aside = Path(name)
        _export_all(model, aside, opset)
        golden = make_golden_outputs(exact_session(folder), model.configuration)
        golden.write(aside)
        write_graph_listing(aside, description, precision, opset)
        graphs = graphs_of(aside, description, precision)
        # ONNX Runtime has no convolutions in bf16, so the network is tested instead.
        session = TorchSession(model) if precision == 'bf16' else OnnxSession(graphs)
        whole = exact_session(folder, session)
        differences = self_test(whole, golden, TOLERANCES[precision], description)
        move_graphs(aside, graphs_folder(folder, precision), description)
    return differences


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
    _export(
        _Ground(model), (frames[0], memory), aside / 'ground.onnx',
        ['image', *names], ['heatmap_logits', 'action_logits', 'image_features'],
        {'image': None, 'tensors': by_level + by_level}, opset,
    )  # fmt: skip
    if isinstance(model.decoder, MatchingDecoder):
        _export(
            _FindContact(model.decoder), (features,), aside / f'{CONTACT_GRAPH}.onnx',
            ['features'], ['log_probabilities'], {'features': time}, opset,
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
