# SPDX-License-Identifier: Apache-2.0
"""A disk cache of compiled engines, each with a description of everything on which it depends."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from afformer_core.errors import AfformerError
from afformer_core.files.atomic import write_aside
from afformer_core.files.private_files import (
    UntrustedWriterError,
    make_private_folder,
    read_private_file,
)

FORMAT = 'afformer-engine'


class EngineRefusedError(AfformerError):
    """Raised if a file in the cache is not the requested engine; the message gives the reason."""


@dataclass(frozen=True)
class EngineKey:
    """Everything on which an engine depends; an engine is used only if every field is equal.

    Attributes:
        library: 'TensorRT' or 'TensorRT-RTX'.
        library_version: version of the library.
        cuda_version: CUDA version that the library was built for, such as '13'.
        recipe: compiler flags of its precision (see `Recipe`).
        gpu: name of the GPU on which it was compiled, such as 'Orin', which several GPUs share;
            empty for an engine that runs on any GPU of its compute capability.
        multiprocessors: number of multiprocessors of that GPU; 0 likewise.
        memory: memory of that GPU, in gibibytes, rounded; 0 likewise.
        compute_capability: compute capability for which it was compiled, such as '8.6'; empty for
            all defaults of the library.
        graph: name of the graph, such as 'encode_image'.
        graph_sha256: hash of the ONNX file.
        precision: precision of the graph.
        shapes: smallest, usual and largest shape of each input without a fixed shape.
        workspace: memory limit of the compiler, in mebibytes; 0: the library's default.
    """

    library: str
    library_version: str
    cuda_version: str
    recipe: dict[str, bool]
    gpu: str
    multiprocessors: int
    memory: int
    compute_capability: str
    graph: str
    graph_sha256: str
    precision: str
    shapes: dict[str, list[list[int]]]
    workspace: int


@dataclass(frozen=True)
class StoredEngine:
    """An engine and its path in the cache.

    Attributes:
        path: from `engine_path`.
        serialized: the engine.
    """

    path: Path
    serialized: bytes


# These fields depend on the model folder, whose next engine replaces the previous one.
_OF_THE_MODEL = ('graph_sha256', 'shapes')


def engine_path(cache: Path, model: Path, key: EngineKey) -> Path:
    """Return the path of the engine of a model's graph.

    All exports of a model share one path. Any other difference of the key leads to another path,
    so that engines of two libraries, GPUs or recipes do not replace each other.
    """
    model = model.resolve()
    target = f'sm{key.compute_capability.replace(".", "")}' if key.compute_capability else 'any'
    fields = {name: value for name, value in asdict(key).items() if name not in _OF_THE_MODEL}
    own = _short_hash(json.dumps(fields, sort_keys=True))
    folder = f'{model.name}-{_short_hash(str(model))}'
    return cache / folder / f'{key.graph}-{key.precision}-{target}-{own}.engine'


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def load_engine(path: Path, key: EngineKey) -> bytes:
    """Load an engine from the cache.

    Raises:
        EngineRefusedError: there is none, its key is different (the message lists the fields that
            differ), its file is incomplete, or another user may have written it.
    """
    fields = _sidecar(path)
    expected = asdict(key)
    found = fields.get('key')
    found = found if isinstance(found, dict) else {}
    differing = [name for name in expected if found.get(name) != expected[name]]
    if differing:
        raise EngineRefusedError(
            f'{path} was compiled for another '
            + ', '.join(
                f'{name} ({found.get(name)!r}, not {expected[name]!r})' for name in differing
            )
        )
    engine = _read(path)
    if len(engine) != fields.get('bytes'):
        raise EngineRefusedError(
            f'{path} has {len(engine)} bytes; expected {fields.get("bytes")}: it was cut off or '
            'replaced'
        )
    if hashlib.sha256(engine).hexdigest() != fields.get('sha256'):
        raise EngineRefusedError(f'{path} was altered since it was compiled')
    return engine


def store_engine(path: Path, key: EngineKey, engine: bytes) -> None:
    """Write an engine and its description to the cache, each atomically."""
    fields = {
        'format': FORMAT,
        'key': asdict(key),
        'bytes': len(engine),
        'sha256': hashlib.sha256(engine).hexdigest(),
    }
    # A process that reads between the two steps finds different hashes, and compiles.
    write_aside(path, engine)
    write_aside(sidecar_path(path), (json.dumps(fields, indent=2) + '\n').encode())


def obtain_engine(
    path: Path, key: EngineKey, build: Callable[[], bytes], report: Callable[[str], None]
) -> bytes:
    """Get an engine from the cache, or compile it and store it there.

    If several processes want the same engine, one compiles it and the others wait for it.

    Args:
        path: from `engine_path`.
        key: key that the engine must have.
        build: function that compiles it.
        report: called with a line that explains why it is compiled, or that this process waits.

    Raises:
        UntrustedWriterError: other users may write to the folder of the engine.
    """
    make_private_folder(path.parent)
    with suppress(EngineRefusedError):
        return load_engine(path, key)
    with _lock(path.with_suffix('.lock'), report):
        try:
            return load_engine(path, key)
        except EngineRefusedError as reason:
            report(str(reason))
        engine = build()
        store_engine(path, key, engine)
    return engine


def sidecar_path(path: Path) -> Path:
    """Return the path of the description beside an engine."""
    return path.with_suffix('.json')


def _sidecar(path: Path) -> dict[str, Any]:
    sidecar = sidecar_path(path)
    if not sidecar.exists():
        state = 'has no description beside it' if path.exists() else 'was not compiled yet'
        raise EngineRefusedError(f'{path} {state}')
    try:
        fields = json.loads(_read(sidecar))
    except ValueError as error:
        raise EngineRefusedError(f'{sidecar} cannot be read: {error}') from error
    if not isinstance(fields, dict) or fields.get('format') != FORMAT:
        raise EngineRefusedError(f'{sidecar} does not describe an engine of afformer')
    return fields


def _read(path: Path) -> bytes:
    try:
        return read_private_file(path)
    except UntrustedWriterError as error:
        raise EngineRefusedError(str(error)) from error
    except OSError as error:
        raise EngineRefusedError(f'{path} cannot be read: {error.strerror}') from error


@contextmanager
def _lock(path: Path, report: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of an engine; the system releases it if this process dies."""
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        report(f'another process compiles {path.stem}; waiting for it')
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
