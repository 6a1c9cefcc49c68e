# SPDX-License-Identifier: Apache-2.0
"""Tables of points in a folder of own pairs, changed one row at a time by several people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from afformer_core.data.readers.folder_pairs import ACTIONS_FILES
from afformer_core.data.readers.point_table import PointRow, point_table_text, read_point_table
from afformer_core.data.readers.unmarked_pairs import read_unmarked_pairs
from afformer_core.files.atomic import write_aside
from afformer_core.files.folder_lock import folder_lock


@dataclass(frozen=True)
class LabelledPair:
    """A demonstration and an image of the same object.

    Attributes:
        table: file of the object's points, which need not exist.
        demonstration: path of the video, or of the folder of frames.
        image: path of the image.
    """

    table: Path
    demonstration: Path
    image: Path

    @property
    def name(self) -> str:
        """Its name for people."""
        return f'{self.table.parent.name}: {self.demonstration.name}, {self.image.name}'

    def owns(self, row: PointRow) -> bool:
        """Check whether a row of the table is of this pair."""
        return (Path(row.demonstration).name, Path(row.image).name) == (
            self.demonstration.name,
            self.image.name,
        )


class PointLabels:
    """The tables of a folder with the layout of `folder_pairs`.

    Each change reads the table, changes one row and writes it aside, while nobody else may: what
    others have marked meanwhile stays, and a crash loses nothing.

    Args:
        folder: the folder.

    Attributes:
        pairs: each demonstration of an object with each of its images.
        action_names: names of the actions that are listed or used; may be empty.
        takes_new_actions: whether the folder has no list of actions, so that any may be used.

    Raises:
        DatasetError: there is no such folder, or no media in it, or a table is malformed.
    """

    def __init__(self, folder: Path) -> None:
        read = read_unmarked_pairs(folder)
        self.action_names = read.action_names
        self.takes_new_actions = not any((folder / name).exists() for name in ACTIONS_FILES)
        self.pairs = tuple(
            LabelledPair(one.table, demonstration, image)
            for one in read.objects
            for demonstration in one.demonstrations
            for image in one.images
        )

    def rows(self, pair: LabelledPair) -> tuple[PointRow, ...]:
        """Read the rows of a pair as they are on disk, in the order of the table.

        Raises:
            DatasetError: the table is malformed.
        """
        return tuple(row for row in _read(pair.table) if pair.owns(row))

    def add(self, pair: LabelledPair, action: str, x: float, y: float) -> PointRow:
        """Add a point, in pixels of the image, to a hundredth of one.

        Raises:
            ValueError: the same point is there, or the action has no name.
            DatasetError: the table is malformed.
            OSError: the folder is gone, or cannot be written to.
        """
        added = PointRow(
            0, pair.demonstration.name, pair.image.name, action, round(x, 2), round(y, 2)
        )

        def with_row(rows: list[PointRow]) -> list[PointRow]:
            if any(_same(row, added) for row in rows):
                raise ValueError(f'({added.x:g}, {added.y:g}) is marked already')
            return [*rows, added]

        _change(pair.table, with_row)
        return added

    def remove(self, pair: LabelledPair, row: PointRow) -> None:
        """Remove a point; nothing happens if somebody else has removed it.

        Raises:
            DatasetError: the table is malformed.
            OSError: the folder is gone, or cannot be written to.
        """
        _change(pair.table, lambda rows: [one for one in rows if not _same(one, row)])


def _read(table: Path) -> tuple[PointRow, ...]:
    return read_point_table(table) if table.is_file() else ()


def _change(table: Path, change: Callable[[list[PointRow]], list[PointRow]]) -> None:
    with folder_lock(table.parent):
        rows = change(list(_read(table)))
        if rows:
            write_aside(table, point_table_text(rows).encode())
        else:
            # A table has at least one row.
            table.unlink(missing_ok=True)


def _same(one: PointRow, other: PointRow) -> bool:
    return replace(one, line=0) == replace(other, line=0)
