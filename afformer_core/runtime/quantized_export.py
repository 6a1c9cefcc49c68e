# SPDX-License-Identifier: Apache-2.0
"""Export of a model folder to graphs with INT8 convolutions, and what they cost in accuracy."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from afformer_core.runtime.export import OPSETS, soft_references, write_graphs
from afformer_core.runtime.graphs import (
    graphs_folder,
    graphs_of,
    move_graphs,
    write_graph_listing,
)
from afformer_core.runtime.model_folder import read_description
from afformer_core.runtime.onnx_session import OnnxSession
from afformer_core.runtime.quantization import CalibrationPair, quantize_graphs
from afformer_core.runtime.references import References
from afformer_core.runtime.session import Session
from afformer_core.runtime.torch_session import TorchSession, prepared_model

# The first that can quantize fp16.
LEAST_OPSET = 19


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
    base: str,
    pairs: Sequence[CalibrationPair],
    measure: Callable[[Session, Session], Mapping[str, float]],
    opset: int | None = None,
) -> QuantizedExport:
    """Write graphs of precision 'int8', and what they must give, see `export_graphs`.

    What they must give is what ONNX Runtime makes of them: how far that is from the model is what
    `measure` tells.

    Args:
        folder: the model folder.
        base: 'fp32' or 'fp16', of all that is not quantized.
        pairs: to calibrate with.
        measure: given PyTorch in fp32 and the quantized graphs, what quantization cost, by name.
        opset: of ONNX, at least `LEAST_OPSET`; None: that of `export_graphs`.

    Raises:
        ModelFolderError: the folder does not hold a sound model, or it cannot be quantized.
        ValueError: another precision or opset, or one that does not suit the model.
    """
    opset = max(OPSETS[base], LEAST_OPSET) if opset is None else opset
    if base not in ('fp32', 'fp16') or opset < LEAST_OPSET:
        raise ValueError(
            f'quantized graphs in {base} by opset {opset}; they must be in fp32 or fp16, since '
            f'ONNX Runtime calibrates in these, by opset {LEAST_OPSET} at least'
        )
    weights = read_description(folder).weights_sha256
    model = prepared_model(folder, base)
    exact = TorchSession.load(folder)
    with tempfile.TemporaryDirectory(prefix='.export.', dir=folder) as name:
        aside = Path(name)
        write_graphs(model, aside, opset)
        references = soft_references(exact, model.configuration)[-1]
        references.write(aside)
        write_graph_listing(aside, weights, base)
        session = OnnxSession(graphs_of(aside, read_description(folder), base))
        convolutions = quantize_graphs(aside, session, pairs)
        write_graph_listing(aside, weights, 'int8', base)
        quantized = OnnxSession(graphs_of(aside, read_description(folder), 'int8'))
        References.of(quantized, references.frames, references.image).write(aside)
        loss = measure(exact, quantized)
        write_graph_listing(aside, weights, 'int8', base, loss)
        move_graphs(aside, graphs_folder(folder, 'int8'))
    return QuantizedExport(convolutions, loss)
