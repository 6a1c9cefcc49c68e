# SPDX-License-Identifier: Apache-2.0
"""Storage of videos and images as own pairs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from afformer_core.files.folder_lock import folder_lock
from afformer_core.offline.data.readers.folder_pairs import DEMONSTRATIONS, IMAGES

_OBJECT = re.compile(r'\w[\w -]{0,63}')
# Characters of names that neither paths of bags and parts of videos nor tables interpret.
_OTHERS = re.compile(r'[^\w. -]')


@dataclass(frozen=True)
class Medium:
    """A file to store.

    Attributes:
        path: path of the file.
        name: its display name.
    """

    path: Path
    name: str


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


def store_media(target: Path, demonstrations: Sequence[Medium], images: Sequence[Medium]) -> None:
    """Copy the media of an object into its folder; no existing file is replaced.

    Args:
        target: folder of the object; created if missing.
        demonstrations: its videos.
        images: its images.

    Raises:
        ValueError: the folder would have no demonstration or no image.
        OSError: the folder cannot be written to.
    """
    for kind, media in ((DEMONSTRATIONS, demonstrations), (IMAGES, images)):
        if not media and not (target / kind).is_dir():
            raise ValueError(f'{target.name} has no {kind}. Add at least one video and one image')
    target.mkdir(parents=True, exist_ok=True)
    with folder_lock(target):
        for kind, media in ((DEMONSTRATIONS, demonstrations), (IMAGES, images)):
            (target / kind).mkdir(exist_ok=True)
            for medium in media:
                _store(medium, target / kind)


def _store(medium: Medium, folder: Path) -> None:
    path = _free_path(folder, medium.name)
    # Readers of the folder skip hidden names.
    hidden = folder / f'.{path.name}.part'
    try:
        shutil.copyfile(medium.path, hidden)
        hidden.rename(path)
    except BaseException:
        hidden.unlink(missing_ok=True)
        raise


def _free_path(folder: Path, name: str) -> Path:
    """Return a path in a folder for a file, numbered if the name is taken, as phones repeat it."""
    plain = Path(_OTHERS.sub('_', name).lstrip('.') or 'unnamed')
    path, number = folder / plain.name, 1
    while path.exists():
        number += 1
        path = folder / f'{plain.stem}_{number}{plain.suffix}'
    return path
