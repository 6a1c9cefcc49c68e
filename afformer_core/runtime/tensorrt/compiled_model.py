# SPDX-License-Identifier: Apache-2.0
"""The engines of a network, from the cache or compiled."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from afformer_core.errors import EngineError
from afformer_core.files.private_files import make_private_folder
from afformer_core.runtime.graphs import (
    GRAPHS_FILE,
    Graphs,
    export_command,
    graphs_folder,
    read_graphs,
)
from afformer_core.runtime.model_folder import read_network
from afformer_core.runtime.sessions.gpu import gpu_at_hand
from afformer_core.runtime.tensorrt.builder import (
    IS_RTX,
    NAME,
    VERSION,
    GraphRefusedError,
    Report,
    build_engine,
    shape_ranges,
)
from afformer_core.runtime.tensorrt.engine_cache import EngineKey, engine_path, obtain_engine

# In later opsets fused attention is one operator.
_OPSET_WITHOUT_ATTENTION = 18


@dataclass(frozen=True)
class CompiledModel:
    """Engines of one network and the graphs from which they were compiled.

    Attributes:
        graphs: the graphs of the network.
        engines: serialized engines by the name of the graph.
    """

    graphs: Graphs
    engines: dict[str, bytes]


def compile_model(folder: Path, precision: str, cache: Path, report: Report) -> CompiledModel:
    """Get the engines of one network from the cache, or compile them.

    Args:
        folder: the folder of a model or of a matching network.
        precision: one of `PRECISIONS`; 'auto' is fp16 if graphs were exported in it, or else fp32.
        cache: folder of engines.
        report: called with lines of progress.

    Raises:
        ModelFolderError: there are no graphs; the message names the command that exports them.
        EngineError: a graph cannot be compiled, or there is no GPU, which all libraries except
            TensorRT for RTX need.
        UntrustedWriterError: other users may write to the cache.
    """
    if precision == 'auto':
        in_fp16 = graphs_folder(folder, 'fp16')
        precision = 'fp16' if (in_fp16 / GRAPHS_FILE).is_file() else 'fp32'
        faster = (
            '' if precision == 'fp16' else f'; for fp16 run: {export_command(in_fp16, "fp16")}'
        )
        report(f'{NAME} computes in {precision}{faster}')
    graphs = read_graphs(folder, precision)
    gpu = gpu_at_hand()
    if not gpu and not IS_RTX:
        raise EngineError(
            f'{NAME} {VERSION} compiles on the GPU that will run the engine, and there is none '
            'here. Use TensorRT for RTX, which compiles anywhere'
        )
    ranges = shape_ranges(read_network(folder))
    make_private_folder(cache)
    engines = {}
    for graph in ranges:
        build = partial(build_engine, graphs.path(graph), ranges[graph], precision, report)
        key: EngineKey = {
            'library': f'{NAME} {VERSION}',
            # TensorRT for RTX compiles the last part on the GPU that runs it.
            'gpu': '' if IS_RTX else gpu,
            'graph': graph,
            'graph_sha256': graphs.sha256[graph],
            'precision': precision,
            'shapes': ranges[graph],
        }
        path = engine_path(cache, folder, key)
        try:
            engines[graph] = obtain_engine(path, key, build, report)
        except GraphRefusedError as error:
            if graphs.opset <= _OPSET_WITHOUT_ATTENTION:
                raise
            raise GraphRefusedError(
                f'{error}. If it has no fused attention, as before 10.14, run: '
                f'{export_command(graphs.folder, precision)} --opset {_OPSET_WITHOUT_ATTENTION}'
            ) from error
    return CompiledModel(graphs, engines)
