# SPDX-License-Identifier: Apache-2.0
"""Graphs with INT8 convolutions: made, found again, run, and refused where they cannot be."""

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from afformer_core.errors import ModelFolderError
from afformer_core.runtime.backends import open_networks
from afformer_core.runtime.export.quantization import CalibrationPair
from afformer_core.runtime.export.quantized_export import QuantizedExport, export_quantized
from afformer_core.runtime.golden.differences import TOLERANCES
from afformer_core.runtime.graphs import read_graphs
from afformer_core.runtime.model_folder import read_description
from afformer_core.runtime.self_test import GoldenOutputs, self_test
from afformer_core.runtime.session import Session

Images = Callable[..., np.ndarray]


def no_loss(exact: Session, quantized: Session) -> Mapping[str, float]:
    return {}


@pytest.fixture(scope='module')
def pairs(images: Images) -> list[CalibrationPair]:
    return [CalibrationPair(images(2, 64, 96, 3), images(64, 96, 3))]


@pytest.fixture(scope='module')
def quantized(
    small_folder: Path, pairs: list[CalibrationPair], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, QuantizedExport, list[Session]]:
    """A model folder with such graphs, what the export gave, and what it let be measured."""
    folder = tmp_path_factory.mktemp('quantized') / 'model'
    shutil.copytree(small_folder, folder)
    sessions: list[Session] = []

    def measure(exact: Session, quantized: Session) -> Mapping[str, float]:
        sessions.extend((exact, quantized))
        return {'pairs': 3, 'exact_kld': 0.5, 'kld': 0.625}

    return folder, export_quantized(folder, read_graphs(folder), pairs, measure), sessions


def test_the_loss_is_kept(quantized: tuple[Path, QuantizedExport, list[Session]]) -> None:
    folder, export, sessions = quantized

    assert [session.backend for session in sessions] == ['torch', 'onnxruntime']
    assert export.loss == {'pairs': 3, 'exact_kld': 0.5, 'kld': 0.625}
    graphs = read_graphs(folder, 'int8')
    assert (graphs.precision, graphs.base, graphs.loss) == ('int8', 'fp32', export.loss)


def test_the_encoder_is_quantized_and_nothing_else(
    quantized: tuple[Path, QuantizedExport, list[Session]],
) -> None:
    folder, export, _ = quantized
    nodes = onnx.load(read_graphs(folder, 'int8').path('encode_image')).graph.node
    made_by = {output: node.op_type for node in nodes for output in node.output}
    convolutions = [node for node in nodes if node.op_type in ('Conv', 'ConvTranspose')]
    rounded = [
        node
        for node in convolutions
        if all(made_by.get(name) == 'DequantizeLinear' for name in node.input[:2])
    ]

    # Of the encoder's 53, 16 are depthwise.
    assert len(convolutions) == 53
    assert len(rounded) == export.convolutions == 37
    others = [node for node in nodes if node.op_type in ('MatMul', 'Gemm', 'LayerNormalization')]
    read = {made_by.get(name) for node in others for name in node.input}
    assert 'DequantizeLinear' not in read


def test_they_run_and_say_what_they_cost(
    quantized: tuple[Path, QuantizedExport, list[Session]],
) -> None:
    folder, _, _ = quantized
    lines: list[str] = []
    networks = open_networks(folder, 'onnxruntime', 1, 'int8', lines.append)

    assert lines[0] == 'int8: KLD 0.625 instead of 0.500 on 3 pairs at its export'
    assert re.fullmatch(r'int8: .*took \d+\.\d ms .* in int8 and \d+\.\d ms in fp32 .*', lines[1])
    golden, description = GoldenOutputs.read(folder / 'int8'), read_description(folder)
    self_test(networks, golden, TOLERANCES['fp32'], description)


@pytest.mark.parametrize(
    ('milliseconds', 'speed'),
    [
        (
            {'int8': 31.26, 'fp32': 25.9},
            'warning: ONNX Runtime took 31.3 ms for an image in int8 and 25.9 ms in fp32 on the '
            'CPU of the export; int8 is for TensorRT. Choose fp32 for ONNX Runtime',
        ),
        (
            {'int8': 20.0, 'fp32': 25.9},
            'ONNX Runtime took 20.0 ms for an image in int8 and 25.9 ms in fp32 on the CPU of the '
            'export',
        ),
        ({}, ''),
    ],
)
def test_graphs_that_are_slower_than_those_in_fp32_warn(
    small_folder: Path, milliseconds: dict[str, float], speed: str
) -> None:
    assert replace(read_graphs(small_folder), milliseconds=milliseconds).speed == speed


def test_the_graphs_of_the_model_stay(
    small_folder: Path, quantized: tuple[Path, QuantizedExport, list[Session]]
) -> None:
    folder, _, _ = quantized

    assert read_graphs(folder).sha256 == read_graphs(small_folder).sha256
    assert not list(folder.glob('.export.*'))


def test_without_pairs(copied_folder: Path) -> None:
    with pytest.raises(ValueError, match='calibration pairs is 0'):
        export_quantized(copied_folder, read_graphs(copied_folder), [], no_loss)

    assert not (copied_folder / 'int8').exists()


def test_what_cannot_be_calibrated(copied_folder: Path, pairs: list[CalibrationPair]) -> None:
    graphs = replace(read_graphs(copied_folder), precision='bf16')

    with pytest.raises(ValueError, match='graphs have precision bf16; expected fp32 or fp16'):
        export_quantized(copied_folder, graphs, pairs, no_loss)


def test_pytorch_does_not_run_them(small_folder: Path) -> None:
    with pytest.raises(ValueError, match="backend 'torch' does not run quantized graphs"):
        open_networks(small_folder, 'torch', 1, 'int8')


def test_graphs_that_were_not_made(small_folder: Path) -> None:
    with pytest.raises(ModelFolderError, match=r'Run: afformer export \S+ --quantize int8'):
        read_graphs(small_folder, 'int8')


def test_tensorrt_compiles_them(quantized: tuple[Path, QuantizedExport, list[Session]]) -> None:
    pytest.importorskip('tensorrt_rtx_bindings', reason='TensorRT for RTX is not installed')
    from afformer_core.runtime.sessions.graph_shapes import shape_ranges
    from afformer_core.runtime.tensorrt.builder import BuildSettings, Recipe, build_engine

    folder, _, _ = quantized
    graphs = read_graphs(folder, 'int8')
    shapes = shape_ranges(read_description(folder))

    engine = build_engine(
        graphs.path('encode_image'),
        shapes['encode_image'],
        BuildSettings((8, 6)),
        Recipe.of(graphs.base),
        print,
    )

    assert len(engine) > 1_000_000
