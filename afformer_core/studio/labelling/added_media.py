# SPDX-License-Identifier: Apache-2.0
"""Storage of videos and images as own pairs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from afformer_core.files.folder_lock import folder_lock
from afformer_core.offline.data.readers.folder_pairs import DEMONSTRATIONS, IMAGES

_OBJECT = re.compile(r'\w[\w -]{0,63}')
# Characters of names that neither paths of bags and parts of videos nor tables interpret.
_OTHERS = re.compile(r'[^\w. -]')


# The path of a file to store, and its display name.
Medium = tuple[Path, str]


def object_folder(folder: Path, name: str) -> Path:
    """Return the folder of an object, which may not exist.

    Raises:
        ValueError: the name is not a plain name.
    """
    if not _OBJECT.fullmatch(name) or name in (DEMONSTRATIONS, IMAGES):
        raise ValueError(
            f'the name of the object is {name!r}; expected 1 to 64 letters, digits, -, _ or '
            f'spaces, and not {DEMONSTRATIONS} or {IMAGES}. Name it, such as drawer'
        )
    return folder / name


def store_media(target: Path, media: Mapping[str, Sequence[Medium]]) -> None:
    """Copy the media of an object into its folder; no existing file is replaced.

    Args:
        target: folder of the object; created if missing.
        media: its videos and images, by the names of their folders.

    Raises:
        ValueError: the folder would have no demonstration or no image.
        OSError: the folder cannot be written to.
    """
    for kind, added in media.items():
        if not added and not (target / kind).is_dir():
            raise ValueError(f'{target.name} has no {kind}. Add at least one video and one image')
    target.mkdir(parents=True, exist_ok=True)
    with folder_lock(target):
        for kind, added in media.items():
            (target / kind).mkdir(exist_ok=True)
            for source, name in added:
                path = _free_path(target / kind, name)
                # Readers of the folder skip hidden names.
                hidden = path.with_name(f'.{path.name}.part')
                try:
                    shutil.copyfile(source, hidden)
                    hidden.rename(path)
                finally:
                    hidden.unlink(missing_ok=True)


def _free_path(folder: Path, name: str) -> Path:
    """Return a path in a folder for a file, numbered if the name is taken, as phones repeat it."""
    plain = Path(_OTHERS.sub('_', name).lstrip('.') or 'unnamed')
    path, number = folder / plain.name, 1
    while path.exists():
        number += 1
        path = folder / f'{plain.stem}_{number}{plain.suffix}'
    return path
