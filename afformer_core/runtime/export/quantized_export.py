# SPDX-License-Identifier: Apache-2.0
"""Export of graphs with INT8 convolutions, and their loss of accuracy."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from afformer_core.runtime.export.quantization import CalibrationPair, quantize_graphs
from afformer_core.runtime.graphs import (
    Graphs,
    graphs_folder,
    graphs_of,
    move_graphs,
    write_graph_listing,
)
from afformer_core.runtime.model_folder import read_description
from afformer_core.runtime.references import References
from afformer_core.runtime.session import Session
from afformer_core.runtime.sessions.onnx_session import OnnxSession
from afformer_core.runtime.sessions.torch_session import TorchSession


@dataclass(frozen=True)
class QuantizedExport:
    """What an export of quantized graphs came to.

    Attributes:
        convolutions: how many are quantized in `ground`.
        loss: as it was measured.
    """

    convolutions: int
    loss: Mapping[str, float]


def export_quantized(
    folder: Path,
    base: Graphs,
    pairs: Sequence[CalibrationPair],
    measure: Callable[[Session, Session], Mapping[str, float]],
) -> QuantizedExport:
    """Write graphs of precision 'int8', and what they must give.

    What they must give is what ONNX Runtime makes of them: how far that is from the model is what
    `measure` tells.

    Args:
        folder: the model folder.
        base: graphs of it in fp32 or fp16, in which all stays that is not quantized.
        pairs: to calibrate with, at least one.
        measure: given PyTorch in fp32 and the quantized graphs, what quantization cost, by name.

    Raises:
        ModelFolderError: the folder does not hold a sound model, or it cannot be quantized.
        ValueError: no pairs, or graphs in another precision.
    """
    if not pairs:
        raise ValueError('there is no pair to calibrate with; give a dataset that has some')
    if base.precision not in ('fp32', 'fp16'):
        raise ValueError(
            f'graphs in {base.precision} cannot be calibrated by ONNX Runtime; quantize those in '
            'fp32 or fp16'
        )
    description = read_description(folder)
    weights = description.weights_sha256
    references = References.read(base.folder)
    with tempfile.TemporaryDirectory(prefix='.export.', dir=folder) as name:
        aside = Path(name)
        for file in base.files:
            shutil.copy(base.folder / file, aside)
        convolutions = quantize_graphs(aside, OnnxSession(base), pairs)
        write_graph_listing(aside, weights, 'int8', base.opset, base.precision)
        quantized = OnnxSession(graphs_of(aside, description, 'int8'))
        inputs = references.frames, references.image, references.clips
        References.of(quantized, *inputs).write(aside)
        loss = measure(TorchSession.load(folder), quantized)
        write_graph_listing(aside, weights, 'int8', base.opset, base.precision, loss)
        move_graphs(aside, graphs_folder(folder, 'int8'))
    return QuantizedExport(convolutions, loss)
