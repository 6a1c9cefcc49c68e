# SPDX-License-Identifier: Apache-2.0
"""Tables of points in a folder of own pairs, which several people can change at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from afformer_core.files.atomic import folder_lock, write_aside
from afformer_core.media.polygons import Point
from afformer_core.offline.data.readers.folder_pairs import (
    ACTIONS_FILES,
    PointRow,
    object_folders,
    pair_actions,
    point_table_text,
    read_media,
    read_point_table,
)

# Tables have hundredths of a pixel.
_STEP = 0.01
# Names of the demonstration and the image of a row, without folders.
_Names = tuple[str, str]
# Version of a file, which changes when it is written; None if there is no file.
_Stamp = tuple[int, int, int] | None


@dataclass(frozen=True)
class LabelledPair:
    """A demonstration and an image of the same object.

    Attributes:
        table: file of the object's points, which may not exist.
        demonstration: path of the video, or of the folder of frames.
        image: path of the image.
    """

    table: Path
    demonstration: Path
    image: Path

    @property
    def name(self) -> str:
        """Its display name."""
        return f'{self.table.parent.name}: {self.demonstration.name}, {self.image.name}'

    def row(self, action: str, point: Point) -> PointRow:
        """Return a row of its table with a point (x, y), in pixels of the image."""
        return PointRow(0, self.demonstration.name, self.image.name, action, *point)


class PointLabels:
    """The tables of a folder with the layout of `folder_pairs`.

    Each change locks the table, reads it, changes rows and replaces the file, so that marks of
    other people are kept, and a crash loses nothing.

    Args:
        folder: the folder, which may be empty.

    Attributes:
        folder: the folder.
        pairs: each demonstration of an object with each of its images; none if the folder is
            empty.
        action_names: names of listed or used actions; may be empty.
        takes_new_actions: whether any action may be used, because the folder has no list of
            actions.

    Raises:
        DatasetError: there is no such folder, it contains other files than pairs, or a table is
            malformed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pairs: tuple[LabelledPair, ...] = ()
        self.action_names: tuple[str, ...] = ()
        self.takes_new_actions = not any((folder / name).exists() for name in ACTIONS_FILES)
        self._read: dict[Path, tuple[_Stamp, Mapping[_Names, tuple[PointRow, ...]]]] = {}
        self.reload()

    def reload(self) -> None:
        """List the pairs again, because media were added.

        Raises:
            DatasetError: see the class.
        """
        if self.folder.is_dir() and not object_folders(self.folder)[1:]:
            self.action_names = pair_actions(self.folder, ())
            return
        objects = read_media(self.folder)
        used = (row.action for labelled in objects for row in _read(labelled.table))
        self.action_names = pair_actions(self.folder, used)
        self.pairs = tuple(
            LabelledPair(labelled.table, demonstration, image)
            for labelled in objects
            for demonstration in labelled.demonstrations
            for image in labelled.images
        )

    def keyed_actions(self, known: Sequence[str]) -> tuple[str, ...]:
        """Return the actions with keys, in an order that marked points do not change.

        Args:
            known: actions of the model, which have keys if the folder lists no actions.
        """
        return tuple(known) if self.takes_new_actions else self.action_names

    def rows(self, pair: LabelledPair) -> tuple[PointRow, ...]:
        """Return the current rows of a pair on disk, in the order of the table.

        A table is read again only if it was modified.

        Raises:
            DatasetError: the table is malformed.
            OSError: the folder no longer exists.
        """
        stamp = _stamp(pair.table)
        if pair.table not in self._read or self._read[pair.table][0] != stamp:
            self._read[pair.table] = stamp, _by_names(_read(pair.table))
        return self._read[pair.table][1].get((pair.demonstration.name, pair.image.name), ())

    def replace(
        self, pair: LabelledPair, removed: Iterable[PointRow], added: Iterable[PointRow]
    ) -> None:
        """Remove points and add others, to a hundredth of a pixel: all or none.

        Raises:
            ValueError: an added point already exists, or one that it replaces no longer does.
            DatasetError: the table is malformed.
            OSError: the folder no longer exists, or cannot be written to.
        """
        gone, new = {_content(row) for row in removed}, [_content(row) for row in added]

        def changed(rows: list[PointRow]) -> list[PointRow]:
            left = [row for row in rows if _content(row) not in gone]
            if new and len(rows) - len(left) < len(gone):
                raise ValueError('the point has been removed in the meantime')
            known = {_content(row) for row in left}
            for row in new:
                if row in known:
                    raise ValueError(f'({row.x:g}, {row.y:g}) is marked already')
            return [*left, *new]

        _change(pair.table, changed)


def nearest_point(point: Point, size: tuple[int, int]) -> Point:
    """Return the point (x, y) in an image of (width, height) that is nearest to a position."""
    x, y = (min(max(value, 0.0), side - _STEP) for value, side in zip(point, size, strict=True))
    return x, y


def _stamp(path: Path) -> _Stamp:
    try:
        status = path.stat()
    except FileNotFoundError:
        path.parent.stat()
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _read(table: Path) -> tuple[PointRow, ...]:
    return read_point_table(table) if table.is_file() else ()


def _by_names(rows: Iterable[PointRow]) -> dict[_Names, tuple[PointRow, ...]]:
    gathered: defaultdict[_Names, list[PointRow]] = defaultdict(list)
    for row in rows:
        # Paths make `turn_knob` and `turn_knob/` equal.
        gathered[Path(row.demonstration).name, Path(row.image).name].append(row)
    return {names: tuple(entries) for names, entries in gathered.items()}


def _change(table: Path, change: Callable[[list[PointRow]], list[PointRow]]) -> None:
    with folder_lock(table.parent):
        for left in table.parent.glob(f'.{table.name}.????????'):
            # Left by a process that was killed in `write_aside`, because every writer holds the
            # lock.
            left.unlink(missing_ok=True)
        rows = change(list(_read(table)))
        if rows:
            write_aside(table, point_table_text(rows).encode())
        else:
            # A table has at least one row.
            table.unlink(missing_ok=True)


def _content(row: PointRow) -> PointRow:
    return replace(row, line=0, x=round(row.x, 2), y=round(row.y, 2))
