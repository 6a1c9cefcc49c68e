# SPDX-License-Identifier: Apache-2.0
"""What an export writes down, and models that are exported otherwise than most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from afformer_core.models import afformer_small
from afformer_core.models.afformer import Afformer
from afformer_core.models.encoder import Encoder
from afformer_core.runtime.export import export_graphs
from afformer_core.runtime.graphs import read_graphs
from afformer_core.runtime.onnx_session import OnnxSession
from afformer_core.runtime.torch_session import TorchSession
from afformer_core.runtime.weights import save_model

from ..conftest import ACTIONS, random_model

Pictures = Callable[..., np.ndarray]


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of single frames, exported; what it reads actions in are keys of whole frames."""
    folder = tmp_path_factory.mktemp('single')
    configuration = replace(
        afformer_small(ACTIONS, (64, 64)), maximum_frames=1, action_pooling='frames'
    )
    save_model(folder, random_model(configuration), {})
    export_graphs(folder)
    return folder


def test_a_model_of_single_frames_is_exported(folder: Path, pictures: Pictures) -> None:
    frame, image = pictures(1, 64, 64, 3), pictures(64, 64, 3)
    found, wanted = (
        session.ground(image, session.memorize(session.encode_frames(frame)))
        for session in (OnnxSession(read_graphs(folder)), TorchSession.load(folder))
    )
    np.testing.assert_allclose(found.heatmap_logits, wanted.heatmap_logits, atol=1e-3)


class Normalise(nn.Module):
    """The beginning of an encoder."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.encoder.normalise(images)


@pytest.mark.parametrize(
    ('dtype', 'kind'),
    [
        (torch.float32, onnx.TensorProto.FLOAT),
        (torch.float16, onnx.TensorProto.FLOAT16),
        (torch.bfloat16, onnx.TensorProto.FLOAT),
    ],
)
def test_uint8_becomes_what_tensorrt_converts_it_to(
    tmp_path: Path, dtype: torch.dtype, kind: int
) -> None:
    module = Normalise(Afformer(afformer_small(ACTIONS, (64, 64))).encoder.to(dtype))
    images = torch.zeros(1, 64, 64, 3, dtype=torch.uint8)

    torch.onnx.export(module, (images,), tmp_path / 'graph.onnx', dynamo=True, verbose=False)

    graph = onnx.load(tmp_path / 'graph.onnx').graph
    takers = [node for node in graph.node if graph.input[0].name in node.input]
    assert [(node.op_type, node.attribute[0].i) for node in takers] == [('Cast', kind)]


def test_the_opset_is_written_down(folder: Path) -> None:
    assert read_graphs(folder).opset == 18
