# SPDX-License-Identifier: Apache-2.0
"""A manifest in memory: the result of a reader of a dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from afformer_core.files.annotation_files import naming
from afformer_core.offline.data.manifest.fields import flag, items, text, whole
from afformer_core.offline.data.manifest.row import ManifestRow
from afformer_core.offline.data.polygon_mask import PolygonMask

_VERSION = 1


@dataclass(frozen=True)
class ManifestHeader:
    """The header of a file: the first line of JSON lines, or metadata of Parquet.

    Attributes:
        manifest: version of the format, 1.
        actions: names of the actions, in the order of their indices; empty: the actions of the
            rows, sorted.
        licence: licence of rows without their own; None: unknown.
        source: dataset of rows without their own; None: the name of the file.
        points_outside: whether points may lie outside their image, as in OPRA.

    Raises:
        ValueError: the version is unsupported, or an action is named twice.
    """

    manifest: int = _VERSION
    actions: tuple[str, ...] = ()
    licence: str | None = None
    source: str | None = None
    points_outside: bool = False

    def __post_init__(self) -> None:
        if self.manifest != _VERSION:
            raise ValueError(f'the version is {self.manifest}; expected {_VERSION}')
        if twice := [name for name in self.actions if self.actions.count(name) > 1]:
            raise ValueError(f'actions name {twice[0]!r} twice. Keep one')

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ManifestHeader:
        """Check plain JSON types.

        Raises:
            ValueError: a field is unknown or has an unexpected value.
        """
        given = {
            name: field_value for name, field_value in value.items() if field_value is not None
        }
        names = [known_field.name for known_field in fields(cls)]
        if unknown := [name for name in given if name not in names]:
            raise ValueError(
                f'the header has an unknown field {unknown[0]!r}; expected only {", ".join(names)}'
            )
        named = items('actions', given['actions']) if 'actions' in given else ()
        return cls(
            manifest=whole('manifest', given.get('manifest', _VERSION), 1),
            actions=tuple(text('action', action) for action in named),
            licence=text('licence', given['licence']) if 'licence' in given else None,
            source=text('source', given['source']) if 'source' in given else None,
            points_outside=flag('points_outside', given.get('points_outside', False)),
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types, without missing fields."""
        given = {**asdict(self), 'actions': list(self.actions)}
        return {name: value for name, value in given.items() if value not in (None, [], False)}


@dataclass(frozen=True)
class NumberedRow:
    """A row with its position, such as `line 3 of pairs.jsonl`, for errors."""

    position: str
    row: ManifestRow


@dataclass
class Manifest:
    """The header and the rows of a manifest, read from its file or from another dataset.

    Attributes:
        path: the file, or the annotations of the other dataset.
        root: folder to which paths in the rows are relative.
        header: the header.
        rows: the rows.
        left_out: number of annotated items without a row, by reason.
        without_table: a sentence about each folder that has media but no table of points.
        further_clips: paths of annotated clips that no row has.
    """

    path: Path
    root: Path
    header: ManifestHeader
    rows: list[NumberedRow] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    without_table: tuple[str, ...] = ()
    further_clips: tuple[str, ...] = ()
    _ids: set[str] = field(default_factory=set)

    def add(self, position: str, *parts: Mapping[str, Any], id: str, **shared: Any) -> None:
        """Add one sample.

        Args:
            position: its position in the annotations, such as `entry 3 of test.json`.
            parts: action and region of each row, at least one; in plain JSON types.
            id: its name, which no other sample has.
            shared: the fields that all of its rows share; None: not known.

        Raises:
            DatasetError: a field is missing, unknown or has another value than expected, or
                another sample has the name.
        """
        with naming(position):
            if not parts:
                raise ValueError('it has no action; expected at least one')
            if id in self._ids:
                raise ValueError(f'another sample is named {id}. Take one of them out')
            self._ids.add(id)
            self.rows += [
                NumberedRow(position, ManifestRow.from_json({'id': id, **shared, **part}))
                for part in parts
            ]


def region(mask: PolygonMask) -> dict[str, Any]:
    """Return the fields of a row that hold a mask."""
    holes = [outline.tolist() for outline in mask.holes]
    return {'polygons': [outline.tolist() for outline in mask.outlines], 'holes': holes or None}
