# SPDX-License-Identifier: Apache-2.0
"""The engines of a model's networks, and the graphs exported for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from afformer_core.errors import ModelFolderError
from afformer_core.runtime.graphs import Graphs, read_graphs
from afformer_core.runtime.model_folder import network_folders, read_network
from afformer_core.runtime.tensorrt.builder import BuildSettings, GraphRefusedError
from afformer_core.runtime.tensorrt.engine_cache import StoredEngine
from afformer_core.runtime.tensorrt.engines import obtain_engines
from afformer_core.runtime.tensorrt.exported_graphs import (
    OPSET_WITHOUT_ATTENTION,
    export_anew,
    obtain_graphs,
    opset_for_tensorrt,
)
from afformer_core.runtime.tensorrt.library import NAME


@dataclass(frozen=True)
class CompiledModel:
    """Engines of one network and the graphs from which they were compiled.

    Attributes:
        folder: folder of the network.
        graphs: its graphs.
        engines: engines by the name of the graph.
    """

    folder: Path
    graphs: Graphs
    engines: dict[str, StoredEngine]


def compile_networks(
    folder: Path,
    precision: str,
    settings: BuildSettings,
    cache: Path,
    report: Callable[[str], None],
) -> list[CompiledModel]:
    """Get the engines of all networks of a model, including its matching network.

    See `compile_model` for arguments and errors.
    """
    return [
        compile_model(network, precision, settings, cache, report)
        for network in network_folders(folder)
    ]


def compile_model(
    folder: Path,
    precision: str,
    settings: BuildSettings,
    cache: Path,
    report: Callable[[str], None],
) -> CompiledModel:
    """Get the engines of one network from the cache, or export missing graphs and compile them.

    If TensorRT rejects graphs with fused attention because it has no kernel for the GPU, they are
    exported again with attention as several operators.

    Args:
        folder: the model folder.
        precision: one of `PRECISIONS`; 'auto' is fp16, or fp32 if fp16 cannot be exported.
        settings: settings of the compiler.
        cache: folder of engines.
        report: called with lines of progress.

    Raises:
        ModelFolderError: there are no graphs, and they cannot be exported; the message contains
            the remedy.
        EngineError: a graph cannot be compiled here.
        UntrustedWriterError: other users may write to the cache.
        ValueError: the precision does not suit the model.
    """
    description = read_network(folder)
    graphs = _graphs(folder, precision, report)
    try:
        engines = obtain_engines(folder, graphs, description, settings, cache, report)
    except GraphRefusedError as error:
        if (graphs.opset or 0) <= OPSET_WITHOUT_ATTENTION:
            raise
        report(f'{error}; exporting again in opset {OPSET_WITHOUT_ATTENTION}, without fused '
               'attention')  # fmt: skip
        export_anew(folder, graphs.precision, OPSET_WITHOUT_ATTENTION)
        graphs = read_graphs(folder, graphs.precision)
        engines = obtain_engines(folder, graphs, description, settings, cache, report)
    return CompiledModel(folder, graphs, engines)


def _graphs(folder: Path, precision: str, report: Callable[[str], None]) -> Graphs:
    opset = opset_for_tensorrt()
    if precision != 'auto':
        return obtain_graphs(folder, precision, opset, report)
    try:
        graphs = obtain_graphs(folder, 'fp16', opset, report)
    except (ModelFolderError, ValueError) as error:
        try:
            graphs = read_graphs(folder, 'fp32')
        except ModelFolderError:
            # The error for fp16 contains the better advice.
            raise error from None
        report(f'{error}. Until then {NAME} computes in fp32, which is slower')
    else:
        report(f'{NAME} computes in {graphs.precision}')
    return graphs
