# SPDX-License-Identifier: Apache-2.0
"""The engines of a network, from the cache or compiled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock

from afformer_core.errors import EngineError
from afformer_core.files.atomic import write_aside
from afformer_core.files.private_files import (
    UntrustedWriterError,
    make_private_folder,
    read_private_file,
)
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


EngineKey = Mapping[str, Any]
"""Everything on which an engine depends, as plain JSON types; at least `graph` and `precision`."""

# These fields depend on the model folder, whose next engine replaces the previous one.
OF_THE_MODEL = ('graph_sha256', 'shapes')
_DIGEST = hashlib.sha256().digest_size


def engine_path(cache: Path, model: Path, key: EngineKey) -> Path:
    """Return the path of the engine of a model's graph.

    All exports of a model share one path. Any other difference of the key leads to another path,
    so that engines of two libraries or GPUs do not replace each other.
    """
    model = model.resolve()
    fields = {name: value for name, value in key.items() if name not in OF_THE_MODEL}
    own, folder = (
        hashlib.sha256(text.encode()).hexdigest()[:8]
        for text in (json.dumps(fields, sort_keys=True), str(model))
    )
    return cache / f'{model.name}-{folder}' / f'{key["graph"]}-{key["precision"]}-{own}.engine'


def load_engine(path: Path, key: EngineKey) -> bytes | None:
    """Load an engine from the cache; None if it is missing, damaged or of another key.

    Raises:
        UntrustedWriterError: another user may have written it.
    """
    try:
        content = read_private_file(path)
    except FileNotFoundError:
        return None
    engine = content[_DIGEST:]
    return engine if content[:_DIGEST] == _digest(key, engine) else None


def store_engine(path: Path, key: EngineKey, engine: bytes) -> None:
    """Write an engine to the cache atomically, after a hash of it and of its key."""
    write_aside(path, _digest(key, engine) + engine)


def obtain_engine(
    path: Path, key: EngineKey, build: Callable[[], bytes], report: Callable[[str], None]
) -> bytes:
    """Get an engine from the cache, or compile it and store it there.

    If several processes want the same engine, one compiles it and the others wait for it.

    Args:
        path: from `engine_path`.
        key: key that the engine must have.
        build: function that compiles it.
        report: called with a line if a file in the cache is not used.

    Raises:
        UntrustedWriterError: other users may write to the folder of the engine.
    """
    make_private_folder(path.parent)
    with FileLock(path.with_suffix('.lock')):
        try:
            engine = load_engine(path, key)
            reason = 'it is damaged, or was compiled from another graph' if path.exists() else ''
        except UntrustedWriterError as error:
            engine, reason = None, str(error)
        if engine is not None:
            return engine
        if reason:
            report(f'{path} is not used, because {reason}')
        engine = build()
        store_engine(path, key, engine)
    return engine


def _digest(key: EngineKey, engine: bytes) -> bytes:
    fields = json.dumps(dict(key), sort_keys=True)
    return hashlib.sha256(fields.encode() + b'\0' + engine).digest()
