# SPDX-License-Identifier: Apache-2.0
"""Export of graphs with INT8 convolutions, and the resulting loss of accuracy."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from afformer_core.runtime.export.quantization import CalibrationPair, quantize_graphs
from afformer_core.runtime.export.quantized_speed import measure_speed
from afformer_core.runtime.golden.golden_outputs import exact_networks, make_golden_outputs
from afformer_core.runtime.graphs import (
    Graphs,
    graphs_folder,
    graphs_of,
    move_graphs,
    write_graph_listing,
)
from afformer_core.runtime.model_folder import read_description
from afformer_core.runtime.session import Session
from afformer_core.runtime.sessions.onnx_session import OnnxSession
from afformer_core.runtime.sessions.torch_session import TorchSession


@dataclass(frozen=True)
class QuantizedExport:
    """The result of exporting quantized graphs.

    Attributes:
        convolutions: number of quantized convolutions in `encode_image`.
        loss: measured loss of accuracy, by name.
        speed: see `Graphs.speed`.
    """

    convolutions: int
    loss: Mapping[str, float]
    speed: str


def export_quantized(
    folder: Path,
    base: Graphs,
    pairs: Sequence[CalibrationPair],
    measure: Callable[[Session, Session], Mapping[str, float]],
) -> QuantizedExport:
    """Write graphs of precision 'int8' and their golden outputs.

    The golden outputs are computed by ONNX Runtime with the quantized graphs. `measure` returns
    their difference from the model.

    Args:
        folder: the model folder.
        base: its graphs in fp32 or fp16, the precision of everything that is not quantized.
        pairs: pairs to calibrate with, at least one.
        measure: function that takes the sessions of PyTorch in fp32 and of the quantized graphs,
            and returns the loss of accuracy, by name.

    Raises:
        ModelFolderError: the folder does not contain a valid model, or it cannot be quantized.
        ValueError: there are no pairs, or the graphs have another precision.
    """
    if not pairs:
        raise ValueError(
            'the number of calibration pairs is 0; expected at least 1. Give a dataset with pairs'
        )
    if base.precision not in ('fp32', 'fp16'):
        raise ValueError(
            f'the graphs have precision {base.precision}; expected fp32 or fp16, which ONNX '
            'Runtime can calibrate'
        )
    description = read_description(folder)
    with tempfile.TemporaryDirectory(prefix='.export.', dir=folder) as name:
        aside = Path(name)
        for file in base.files:
            shutil.copy(base.folder / file, aside)
        convolutions = quantize_graphs(aside, pairs)
        write_graph_listing(aside, description, 'int8', base.opset, base.precision)
        quantized = OnnxSession(graphs_of(aside, description, 'int8'))
        golden = make_golden_outputs(exact_networks(folder, quantized))
        golden.write(aside)
        loss = measure(TorchSession.load(folder), quantized)
        speed = measure_speed(folder, quantized, pairs[0])
        write_graph_listing(aside, description, 'int8', base.opset, base.precision, loss, speed)
        graphs = graphs_of(aside, description, 'int8')
        move_graphs(aside, graphs_folder(folder, 'int8'), description)
    return QuantizedExport(convolutions, loss, graphs.speed)
