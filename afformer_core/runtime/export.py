# SPDX-License-Identifier: Apache-2.0
"""Export of a model folder to its three ONNX graphs, each checked against PyTorch."""

from __future__ import annotations

import logging
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from afformer_core.errors import AfformerError
from afformer_core.models.afformer import Afformer
from afformer_core.models.decoder import VideoMemory
from afformer_core.models.folding import fold_frozen_batch_norms
from afformer_core.runtime.model_folder import (
    GRAPH_NAMES,
    GRAPHS_FILE,
    read_description,
    write_graph_listing,
)
from afformer_core.runtime.onnx_session import OnnxSession
from afformer_core.runtime.session import Session
from afformer_core.runtime.torch_session import TorchSession
from afformer_core.runtime.weights import load_model

OPSET = 18
TOLERANCE = 1e-4
_OUTPUTS = ('heatmap', 'actions', 'image features')


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


class _Ground(nn.Module):
    def __init__(self, model: Afformer) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor, tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        levels = len(tensors) // 2
        batch = [tensor[None] for tensor in tensors]
        memory = VideoMemory(
            tuple(batch[:levels]),
            tuple(batch[levels:]),
            (None,) * levels,
            self.model.configuration.feature_size,
        )
        return tuple(output[0] for output in self.model.ground_with_features(image[None], memory))


def export_graphs(folder: Path) -> None:
    """Write `encode_frames.onnx`, `memorize.onnx` and `ground.onnx` into a model folder.

    T is dynamic, from 1 to the model's maximum. The graphs come into their places only when all
    three were exported and agree with PyTorch.

    Raises:
        ModelFolderError: the folder does not hold a sound model.
        AfformerError: a graph does not give what PyTorch gives.
    """
    description = read_description(folder)
    model = load_model(folder)
    fold_frozen_batch_norms(model.encoder)
    model.freeze_tables()
    with tempfile.TemporaryDirectory(prefix='.export.', dir=folder) as name:
        aside = Path(name)
        _export_all(model, aside)
        write_graph_listing(aside, description.weights_sha256)
        shutil.copy(folder / 'model.json', aside)
        _check(TorchSession(folder), OnnxSession(aside), model)
        (folder / GRAPHS_FILE).unlink(missing_ok=True)
        for graph in GRAPH_NAMES:
            (aside / f'{graph}.onnx').replace(folder / f'{graph}.onnx')
    write_graph_listing(folder, description.weights_sha256)


def _export_all(model: Afformer, aside: Path) -> None:
    height, width = model.configuration.input_size
    levels = len(model.configuration.image_levels)
    frames = torch.zeros((2, height, width, 3), dtype=torch.uint8)
    features = model.encode_frames(frames)[:1].repeat(model.configuration.maximum_frames, 1, 1, 1)
    memory = _Memorize(model)(features)
    names = [f'{kind}_{level}' for kind in ('keys', 'values') for level in range(levels)]
    batch = torch.export.Dim('N', min=1, max=1024)
    time = torch.export.Dim('T', min=1, max=model.configuration.maximum_frames)
    places = [torch.export.Dim(f'M{level}', min=1, max=1 << 30) for level in range(levels)]
    keys = tuple({2: places[level]} for level in range(levels))
    values = tuple({1: places[level]} for level in range(levels))
    _export(
        _EncodeFrames(model), (frames,), aside / 'encode_frames.onnx',
        ['frames'], ['features'], {'frames': {0: batch}},
    )  # fmt: skip
    _export(
        _Memorize(model), (features,), aside / 'memorize.onnx',
        ['features'], names, {'features': {0: time}},
    )  # fmt: skip
    _export(
        _Ground(model), (frames[0], memory), aside / 'ground.onnx',
        ['image', *names], ['heatmap_logits', 'action_logits', 'image_features'],
        {'image': None, 'tensors': (*keys, *values)},
    )  # fmt: skip


def _export(
    module: nn.Module,
    example: tuple[Any, ...],
    path: Path,
    inputs: list[str],
    outputs: list[str],
    dynamic_shapes: Mapping[str, Any],
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
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def _check(torch_session: Session, onnx_session: Session, model: Afformer) -> None:
    """Compare the sessions on noise, for one frame and for as many as the model takes."""
    random = np.random.default_rng(0)
    size = (*model.configuration.input_size, 3)
    frames = random.integers(0, 256, (model.configuration.maximum_frames, *size), np.uint8)
    image = random.integers(0, 256, size, np.uint8)
    features = torch_session.encode_frames(frames)
    _compare('encode_frames', features, onnx_session.encode_frames(frames))
    for length in {1, len(frames)}:
        wanted = torch_session.ground(image, torch_session.memorize(features[:length]))
        found = onnx_session.ground(image, onnx_session.memorize(features[:length]))
        for name, one, other in zip(_OUTPUTS, wanted, found, strict=True):
            _compare(f'{name} at {length} frames', one, other)


def _compare(what: str, wanted: np.ndarray, found: np.ndarray) -> None:
    difference = float(np.abs(wanted - found).max() / max(1.0, float(np.abs(wanted).max())))
    if not difference <= TOLERANCE:
        raise AfformerError(
            f'the exported graphs differ from PyTorch in {what} by {difference:.1e}, more than '
            f'{TOLERANCE:.0e}; nothing was written: try other releases of torch and onnxruntime'
        )
