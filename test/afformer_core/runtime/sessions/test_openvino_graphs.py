# SPDX-License-Identifier: Apache-2.0
"""OpenVINO refuses a precision that the CPU lacks, and graphs that do not load."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip('openvino', reason='OpenVINO is not installed')

import openvino

from afformer_core.errors import ModelFolderError
from afformer_core.runtime.backends import open_networks
from afformer_core.runtime.graphs import read_graphs
from afformer_core.runtime.sessions import openvino_graphs
from afformer_core.runtime.sessions.onnx_session import OnnxSession
from afformer_core.runtime.sessions.openvino_graphs import require_precision

HAS_BF16 = 'BF16' in openvino.Core().get_property('CPU', 'OPTIMIZATION_CAPABILITIES')


@pytest.mark.parametrize(('precision', 'missing'), [('bf16', 'BF16'), ('fp16', 'FP16')])
def test_a_precision_that_the_cpu_lacks(
    monkeypatch: pytest.MonkeyPatch, precision: str, missing: str
) -> None:
    monkeypatch.setattr(openvino_graphs, 'capabilities', lambda: ['FP32', 'INT8'])

    require_precision('fp32')
    with pytest.raises(
        ModelFolderError,
        match=f'capabilities of this CPU in OpenVINO are FP32, INT8; expected {missing} for '
        f"precision '{precision}'. Choose fp32",
    ):
        require_precision(precision)


@pytest.mark.skipif(not HAS_BF16, reason='this CPU does not compute in bf16')
def test_bf16_runs_the_graphs_in_fp32(small_folder: Path, images: Any) -> None:
    lines: list[str] = []
    session = open_networks(small_folder, 'openvino', 1, 'bf16', lines.append).decoder
    exact = OnnxSession(read_graphs(small_folder))
    frames = images(3, 64, 96, 3)

    found, expected = (one.encode_frames(frames) for one in (session, exact))

    difference = np.abs(found - expected).max() / np.abs(expected).max()
    assert 1e-4 < difference < 0.1
    assert lines[0].startswith('openvino and the golden outputs: ')


def test_a_graph_that_does_not_load(copied_folder: Path) -> None:
    graphs = read_graphs(copied_folder)
    graphs.path('decode').write_bytes(b'no graph')

    with pytest.raises(
        ModelFolderError, match=r'decode.onnx cannot be loaded by OpenVINO: .* Export the model'
    ):
        OnnxSession(graphs, 1, 'openvino')
