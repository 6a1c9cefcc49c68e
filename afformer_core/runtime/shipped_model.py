# SPDX-License-Identifier: Apache-2.0
"""The shipped model, and the user's copy of it with graphs in other precisions."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from afformer_core.errors import AfformerError
from afformer_core.files.private_files import cache_folder, make_private_folder
from afformer_core.runtime.graphs import read_graphs
from afformer_core.runtime.model_folder import DESCRIPTION_FILE, network_folders

SHIPPED = 'shipped'
"""Name of the shipped model, accepted in place of a model folder."""


def model_folder(name: Path | str) -> Path:
    """Return the given model folder, or the folder of the shipped model for its name."""
    return shipped_model_folder() if str(name) == SHIPPED else Path(name)


def shipped_model_folder() -> Path:
    """Return the folder of the shipped model, whose graphs in fp32 come with the package.

    This is the user's copy of the model if there is one (see `shipped_model_to_export`), or else
    the package's own folder.
    """
    own = _own_folder()
    copy = _copy_of_user(own)
    return copy if _is_usable(copy) else own


def model_folder_to_export(name: Path | str) -> Path:
    """Return the folder to which a model's graphs are exported (see `model_folder`).

    Raises:
        UntrustedWriterError, OSError: see `shipped_model_to_export`.
    """
    return shipped_model_to_export() if str(name) == SHIPPED else Path(name)


def shipped_model_to_export() -> Path:
    """Return the folder for more graphs of the shipped model.

    This is the package's own folder if this user may write to it, or else a copy in the user's
    cache folder, which is made if needed.

    Raises:
        UntrustedWriterError: other users can write to the copy.
        OSError: the copy cannot be made.
    """
    own = _own_folder()
    if os.access(own, os.W_OK):
        return own
    copy = _copy_of_user(own)
    make_private_folder(copy.parent)
    if not _is_usable(copy):
        with tempfile.TemporaryDirectory(dir=copy.parent) as name:
            aside = shutil.copytree(own, Path(name) / own.name)
            for folder in (aside, *aside.glob('*/')):
                folder.chmod(0o700)
            shutil.rmtree(copy, ignore_errors=True)
            aside.rename(copy)
    return copy


def _own_folder() -> Path:
    return Path(__file__).resolve().parent.parent / 'weights' / 'afformer_small'


def _copy_of_user(own: Path) -> Path:
    """Name a copy by the hash of the description, and so of the weights."""
    digest = hashlib.sha256((own / DESCRIPTION_FILE).read_bytes()).hexdigest()
    return cache_folder() / 'models' / f'{own.name}-{digest[:16]}'


def _is_usable(copy: Path) -> bool:
    """Check whether a copy exists, can be trusted, and has the graphs of this release."""
    try:
        if not copy.is_dir():
            return False
        make_private_folder(copy)
        for network in network_folders(copy):
            read_graphs(network)
    # The home may belong to another user and be unreadable.
    except (AfformerError, OSError):
        return False
    return True
