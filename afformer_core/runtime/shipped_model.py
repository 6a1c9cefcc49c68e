# SPDX-License-Identifier: Apache-2.0
"""The shipped model, and its copies with exported graphs.

A copy belongs to the user, or to the machine, where all users can read it.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from afformer_core.errors import AfformerError, ModelFolderError
from afformer_core.files.atomic import write_aside
from afformer_core.files.cache_folder import cache_folder, machine_cache_folder
from afformer_core.files.private_files import (
    check_shared_folder,
    make_private_folder,
    make_shared_folder,
)
from afformer_core.runtime.backends import PRECISIONS
from afformer_core.runtime.graphs import GRAPHS_FILE, graphs_folder, read_graphs
from afformer_core.runtime.model_folder import (
    DESCRIPTION_FILE,
    WEIGHTS_FILE,
    network_folders,
)

SHIPPED = 'shipped'
"""Name of the shipped model, accepted in place of a model folder."""

_PRECISIONS = tuple(precision for precision in PRECISIONS if precision != 'auto')


def model_folder(name: Path | str) -> Path:
    """Return the given model folder, or the folder of the shipped model for its name."""
    return shipped_model_folder() if str(name) == SHIPPED else Path(name)


def shipped_model_folder() -> Path:
    """Return the folder of the shipped model.

    This is the package's own folder or, if that has no graphs, the user's copy of the same model,
    or else the machine's copy. Every installation therefore finds the graphs: with pip, with
    colcon, in a read-only folder, or in a container that runs as any user.
    """
    own = _own_folder()
    if _has_graphs(own):
        return own
    if _is_usable(_copy_of_user(own), make_private_folder):
        return _copy_of_user(own)
    if _is_usable(_copy_of_machine(own), check_shared_folder):
        return _copy_of_machine(own)
    return own


def model_folder_to_export(name: Path | str) -> Path:
    """Return the folder to which a model's graphs are exported (see `model_folder`).

    Raises:
        UntrustedWriterError, OSError: see `shipped_model_to_export`.
    """
    return shipped_model_to_export() if str(name) == SHIPPED else Path(name)


def shipped_model_to_export() -> Path:
    """Return the folder for the shipped model's graphs, making the user's copy if needed.

    This is the package's own folder if it has graphs, or else the user's copy, which starts with
    the graphs of the machine's copy.

    Raises:
        UntrustedWriterError: other users can write to the copy.
        OSError: the copy cannot be made.
    """
    own = _own_folder()
    if _has_graphs(own):
        return own
    copy, shared = _copy_of_user(own), _copy_of_machine(own)
    make_private_folder(copy)
    if not _is_usable(copy, make_private_folder) and _is_usable(shared, check_shared_folder):
        # The user's copy takes precedence, so it must contain every precision.
        shutil.copytree(shared, copy, dirs_exist_ok=True)
    return _with_weights(copy, own)


def shipped_model_to_share() -> Path:
    """Return the machine's copy of the shipped model for export, making it if needed.

    Call `let_all_users_read` after the graphs are exported.

    Raises:
        UntrustedWriterError: users other than root and this one can write to the copy.
        OSError: the copy cannot be made, which usually only root can do.
    """
    own = _own_folder()
    copy = _copy_of_machine(own)
    make_shared_folder(copy)
    return _with_weights(copy, own)


def _with_weights(copy: Path, own: Path) -> Path:
    """Write the weights and descriptions of the package's model into a copy of it."""
    # The description is written last, because a folder without it does not count as a model.
    for folder in reversed(network_folders(own)):
        target = copy / folder.relative_to(own)
        target.mkdir(exist_ok=True)
        for name in (WEIGHTS_FILE, DESCRIPTION_FILE):
            write_aside(target / name, (folder / name).read_bytes())
    return copy


def _own_folder() -> Path:
    return Path(__file__).resolve().parent.parent / 'weights' / 'afformer_small'


def _copy_of_user(own: Path) -> Path:
    return cache_folder() / 'models' / _name_of_copy(own)


def _copy_of_machine(own: Path) -> Path:
    return machine_cache_folder() / 'models' / _name_of_copy(own)


def _name_of_copy(own: Path) -> str:
    """Name a copy by the hash of the description, and so of the weights."""
    digest = hashlib.sha256((own / DESCRIPTION_FILE).read_bytes()).hexdigest()
    return f'{own.name}-{digest[:16]}'


def _has_graphs(folder: Path) -> bool:
    return any(
        (graphs_folder(folder, precision) / GRAPHS_FILE).is_file() for precision in _PRECISIONS
    )


def _is_usable(copy: Path, require_trusted_writers: Callable[[Path], None]) -> bool:
    """Check whether a copy can be trusted and has complete graphs of this release."""
    try:
        if not _has_graphs(copy):
            return False
        require_trusted_writers(copy)
    # The home may belong to another user and be unreadable.
    except (AfformerError, OSError):
        return False
    return any(_is_sound(copy, precision) for precision in _PRECISIONS)


def _is_sound(folder: Path, precision: str) -> bool:
    try:
        for network in network_folders(folder):
            read_graphs(network, precision)
    except ModelFolderError:
        return False
    return True
