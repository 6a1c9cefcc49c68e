# SPDX-License-Identifier: Apache-2.0
"""Graphs with INT8 convolutions: made, found again, run, and refused where they cannot be."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest

from afformer_core.errors import ModelFolderError
from afformer_core.runtime.backends import open_session
from afformer_core.runtime.graphs import read_graphs
from afformer_core.runtime.quantization import CalibrationPair
from afformer_core.runtime.quantized_export import export_quantized
from afformer_core.runtime.references import References, self_test
from afformer_core.runtime.session import Session

Pictures = Callable[..., np.ndarray]


def no_loss(exact: Session, quantized: Session) -> Mapping[str, float]:
    return {'pairs': 1, 'exact_kld': 0.5, 'kld': 0.625}


@pytest.fixture
def pairs(pictures: Pictures) -> list[CalibrationPair]:
    return [CalibrationPair(pictures(2, 64, 96, 3), pictures(64, 96, 3))]


def test_the_encoder_is_quantized_and_nothing_else(
    copied_folder: Path, pairs: list[CalibrationPair]
) -> None:
    sessions: list[Session] = []

    def measure(exact: Session, quantized: Session) -> Mapping[str, float]:
        sessions.extend((exact, quantized))
        return {'pairs': 3, 'exact_kld': 0.5, 'kld': 0.625}

    export = export_quantized(copied_folder, 'fp32', pairs, measure)

    assert [session.backend for session in sessions] == ['torch', 'onnxruntime']
    assert export.loss == {'pairs': 3, 'exact_kld': 0.5, 'kld': 0.625}
    graphs = read_graphs(copied_folder, 'int8')
    assert (graphs.precision, graphs.base, graphs.loss) == ('int8', 'fp32', export.loss)
    nodes = onnx.load(graphs.path('ground')).graph.node
    made_by = {output: node for node in nodes for output in node.output}
    convolutions = [node for node in nodes if node.op_type in ('Conv', 'ConvTranspose')]
    quantized = [
        node
        for node in convolutions
        if all(
            name in made_by and made_by[name].op_type == 'DequantizeLinear'
            for name in node.input[:2]
        )
    ]
    assert len(quantized) == export.convolutions > 50
    # Those of the heads.
    assert len(convolutions) - len(quantized) == 3
    assert {node.op_type for node in nodes} >= {'MatMul', 'QuantizeLinear'}
    lines: list[str] = []
    session = open_session(copied_folder, 'onnxruntime', 1, 'int8', lines.append)
    assert lines == ['int8: KLD 0.625 instead of 0.500 on 3 pairs when it was exported']
    assert self_test(session, References.read(graphs.folder), 1e-4) < 1e-4


def test_the_graphs_of_the_model_stay(copied_folder: Path, pairs: list[CalibrationPair]) -> None:
    before = read_graphs(copied_folder)

    export_quantized(copied_folder, 'fp32', pairs, no_loss)

    assert read_graphs(copied_folder) == before
    assert not list(copied_folder.glob('.export.*'))


def test_without_pairs(copied_folder: Path) -> None:
    with pytest.raises(ModelFolderError, match='no pair to calibrate with'):
        export_quantized(copied_folder, 'fp32', [], no_loss)

    assert not (copied_folder / 'int8').exists()


@pytest.mark.parametrize(('base', 'opset'), [('bf16', None), ('fp16', 18)])
def test_what_cannot_be_quantized(
    copied_folder: Path, pairs: list[CalibrationPair], base: str, opset: int | None
) -> None:
    with pytest.raises(ValueError, match='must be in fp32 or fp16'):
        export_quantized(copied_folder, base, pairs, no_loss, opset)


def test_pytorch_does_not_run_them(small_folder: Path) -> None:
    with pytest.raises(ValueError, match="backend 'torch' does not run quantized graphs"):
        open_session(small_folder, 'torch', 1, 'int8')


def test_graphs_that_were_not_made(small_folder: Path) -> None:
    with pytest.raises(ModelFolderError, match='run: afformer export --quantize int8'):
        read_graphs(small_folder, 'int8')


def test_a_listing_of_before_there_were_any(copied_folder: Path) -> None:
    listing = copied_folder / 'graphs.json'
    fields = json.loads(listing.read_text())
    del fields['base'], fields['loss']
    listing.write_text(json.dumps(fields))

    graphs = read_graphs(copied_folder)

    assert (graphs.base, graphs.loss) == ('fp32', {})
