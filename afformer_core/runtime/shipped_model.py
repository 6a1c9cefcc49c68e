# SPDX-License-Identifier: Apache-2.0
"""The model that comes with the package, and the user's copy of it with exported graphs."""

from __future__ import annotations

import hashlib
from pathlib import Path

from afformer_core.errors import AfformerError, ModelFolderError
from afformer_core.files.atomic import write_aside
from afformer_core.files.cache_folder import cache_folder
from afformer_core.runtime.backends import PRECISIONS
from afformer_core.runtime.graphs import GRAPHS_FILE, graphs_folder, read_graphs
from afformer_core.runtime.model_folder import (
    DESCRIPTION_FILE,
    WEIGHTS_FILE,
    network_folders,
)
from afformer_core.runtime.private_files import make_private_folder

SHIPPED = 'shipped'
"""What the model that comes with the package is called where a model folder is asked for."""

_PRECISIONS = tuple(one for one in PRECISIONS if one != 'auto')


def model_folder(name: Path | str) -> Path:
    """Return the model folder that a user names, or that of the shipped model by its name."""
    return shipped_model_folder() if str(name) == SHIPPED else Path(name)


def shipped_model_folder() -> Path:
    """Return the folder of the small model that comes with the package.

    This is the package's own folder or, where graphs were exported only to it, the user's copy of
    the same model. So every installation finds the graphs: by pip, by colcon, or one that the user
    must not write to.
    """
    own = _own_folder()
    if _has_graphs(own):
        return own
    copy = _copy_folder(own)
    return copy if _is_usable(copy) else own


def shipped_model_to_export() -> Path:
    """Return the folder to export the shipped model's graphs to, making the user's copy if needed.

    This is the package's own folder where it has graphs, else the user's copy.

    Raises:
        UntrustedWriterError: other users may write to the copy.
        OSError: the copy cannot be made.
    """
    own = _own_folder()
    if _has_graphs(own):
        return own
    copy = _copy_folder(own)
    make_private_folder(copy)
    # The description is written last: without it a folder is no model.
    for folder in reversed(network_folders(own)):
        target = copy / folder.relative_to(own)
        target.mkdir(exist_ok=True)
        for name in (WEIGHTS_FILE, DESCRIPTION_FILE):
            write_aside(target / name, (folder / name).read_bytes())
    return copy


def _own_folder() -> Path:
    return Path(__file__).resolve().parent.parent / 'weights' / 'afformer_small'


def _copy_folder(own: Path) -> Path:
    """Return the user's copy, named by the hash of the description and so of the weights."""
    digest = hashlib.sha256((own / DESCRIPTION_FILE).read_bytes()).hexdigest()
    return cache_folder() / 'models' / f'{own.name}-{digest[:16]}'


def _has_graphs(folder: Path) -> bool:
    return any((graphs_folder(folder, one) / GRAPHS_FILE).is_file() for one in _PRECISIONS)


def _is_usable(copy: Path) -> bool:
    """Check whether a copy is private, with complete graphs of this release."""
    if not _has_graphs(copy):
        return False
    try:
        make_private_folder(copy)
    except AfformerError:
        return False
    return any(_is_sound(copy, precision) for precision in _PRECISIONS)


def _is_sound(folder: Path, precision: str) -> bool:
    try:
        for network in network_folders(folder):
            read_graphs(network, precision)
    except ModelFolderError:
        return False
    return True
