# SPDX-License-Identifier: Apache-2.0
"""A disk cache of compiled engines, each with a hash of everything on which it depends."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from afformer_core.files.atomic import write_aside
from afformer_core.files.private_files import (
    UntrustedWriterError,
    make_private_folder,
    read_private_file,
)

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
