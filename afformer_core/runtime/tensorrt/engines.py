# SPDX-License-Identifier: Apache-2.0
"""The engines of a network, from the cache or compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path

from afformer_core.errors import EngineError
from afformer_core.files.private_files import make_private_folder
from afformer_core.runtime.graphs import Graphs
from afformer_core.runtime.model_folder import NetworkDescription
from afformer_core.runtime.sessions.gpu import Gpu, gpu_at_hand
from afformer_core.runtime.sessions.graph_shapes import ShapeRange, shape_ranges
from afformer_core.runtime.tensorrt.builder import (
    BuildSettings,
    Recipe,
    Report,
    build_engine,
)
from afformer_core.runtime.tensorrt.engine_cache import (
    EngineKey,
    StoredEngine,
    engine_path,
    obtain_engine,
)
from afformer_core.runtime.tensorrt.library import IS_RTX, NAME, VERSION, cuda_version


def engine_key(
    graphs: Graphs,
    graph: str,
    shapes: Mapping[str, ShapeRange],
    settings: BuildSettings,
    gpu: Gpu | None,
) -> EngineKey:
    """Collect everything on which the engine of a graph depends."""
    capability = settings.compute_capability
    if capability is None and gpu is not None:
        capability = gpu.compute_capability
    # TensorRT for RTX compiles the last part on the GPU that runs it, so its engines fit any GPU.
    only = None if IS_RTX else gpu
    return EngineKey(
        library=NAME,
        library_version=VERSION,
        cuda_version=cuda_version(),
        recipe=asdict(Recipe.of(graphs.precision)),
        gpu='' if only is None else only.name,
        multiprocessors=0 if only is None else only.multiprocessors,
        memory=0 if only is None else only.memory,
        compute_capability='' if capability is None else f'{capability[0]}.{capability[1]}',
        graph=graph,
        graph_sha256=graphs.sha256[graph],
        precision=graphs.precision,
        shapes={
            name: [
                list(shape)
                for shape in (shape_range.smallest, shape_range.usual, shape_range.largest)
            ]
            for name, shape_range in shapes.items()
        },
        workspace=settings.workspace,
    )


def obtain_engines(
    model: Path,
    graphs: Graphs,
    description: NetworkDescription,
    settings: BuildSettings,
    cache: Path,
    report: Report,
) -> dict[str, StoredEngine]:
    """Get the engines of a network's graphs, by name, from the cache, or compile and store them.

    Args:
        model: the folder of the network.
        graphs: its graphs.
        description: its description.
        settings: settings of the compiler.
        cache: folder of engines.
        report: called with lines of progress.

    Raises:
        EngineError: a graph was modified meanwhile, or cannot be compiled; or there is no GPU,
            which all libraries except TensorRT for RTX need.
        UntrustedWriterError: other users may write to the cache.
    """
    gpu = gpu_at_hand()
    if gpu is None and not IS_RTX:
        raise EngineError(
            f'{NAME} {VERSION} compiles on the GPU that will run the engine, and there is none '
            'here. Use TensorRT for RTX, which compiles anywhere'
        )
    target = settings
    if IS_RTX and settings.compute_capability is None and gpu is not None:
        target = BuildSettings(gpu.compute_capability, settings.workspace)
    ranges = shape_ranges(description)
    make_private_folder(cache)
    engines = {}
    for graph in ranges:
        key = engine_key(graphs, graph, ranges[graph], target, gpu)
        build = partial(
            build_engine,
            graphs.path(graph),
            ranges[graph],
            target,
            Recipe.of(graphs.precision),
            report,
            graphs.sha256[graph],
        )
        path = engine_path(cache, model, key)
        engines[graph] = StoredEngine(path, obtain_engine(path, key, build, report))
    return engines
