# SPDX-License-Identifier: Apache-2.0
"""The demonstrations and images of own pairs, with or without marked points."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from afformer_core.errors import DatasetError
from afformer_core.media.frame_folder import IMAGE_SUFFIXES
from afformer_core.offline.data.readers.folder_pairs import (
    DEMONSTRATIONS,
    IMAGES,
    object_folders,
    pair_actions,
)
from afformer_core.offline.data.readers.point_table import POINTS_FILE, PointRow, read_point_table


@dataclass(frozen=True)
class UnmarkedObject:
    """The files that show one object.

    Attributes:
        table: file of its points, which may not exist.
        rows: rows of the table; empty without a table.
        demonstrations: videos, and folders of frames; at least one.
        images: image files; at least one.
    """

    table: Path
    rows: tuple[PointRow, ...]
    demonstrations: tuple[Path, ...]
    images: tuple[Path, ...]


@dataclass(frozen=True)
class UnmarkedPairs:
    """A folder of own pairs.

    Attributes:
        objects: objects, at least one.
        action_names: names of the actions of the folder, or those that the tables use; may be
            empty.
    """

    objects: tuple[UnmarkedObject, ...]
    action_names: tuple[str, ...]


def read_unmarked_pairs(folder: Path, root: Path | None = None) -> UnmarkedPairs:
    """Read the media and the tables of a folder with the layout of `folder_pairs`.

    Args:
        folder: folder of the tables.
        root: folder of the media if they are not beside the tables.

    Raises:
        DatasetError: the folder is missing or has no object, a media folder of an object is
            missing or empty, or a table or the names of actions are malformed.
    """
    if not folder.is_dir():
        raise DatasetError(f'{folder} does not exist; expected a folder of pairs')
    media_root = folder if root is None else root
    folders = [
        path.relative_to(media_root)
        for path in (object_folders(media_root) if media_root.is_dir() else [])
        if any((path / name).is_dir() for name in (DEMONSTRATIONS, IMAGES))
    ]
    if not folders:
        raise DatasetError(
            f'neither {media_root} nor a folder in it contains {DEMONSTRATIONS} and {IMAGES}. Put '
            'the videos of an object into the former and images of it into the latter'
        )
    objects = tuple(_read_object(folder / relative, media_root / relative) for relative in folders)
    used = (row.action for unmarked in objects for row in unmarked.rows)
    return UnmarkedPairs(objects, pair_actions(folder, used))


def _read_object(folder: Path, media: Path) -> UnmarkedObject:
    table = folder / POINTS_FILE
    demonstrations = _entries(media / DEMONSTRATIONS)
    images = [entry for entry in _entries(media / IMAGES) if _is_image(entry)]
    for name, found in ((DEMONSTRATIONS, demonstrations), (IMAGES, images)):
        if not found:
            raise DatasetError(
                f'{media / name} is missing or empty. Put {name} of the object there, or move '
                f'{media} elsewhere'
            )
    rows = read_point_table(table) if table.is_file() else ()
    return UnmarkedObject(table, rows, tuple(demonstrations), tuple(images))


def _entries(folder: Path) -> list[Path]:
    """List the visible entries of a folder; none if it does not exist."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith('.'))


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()
