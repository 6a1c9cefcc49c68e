# SPDX-License-Identifier: Apache-2.0
"""The contents of manifests: a header, and rows of a clip, a target image and a right region."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from afformer_core.files.annotation_files import naming
from afformer_core.offline.data.polygon_mask import PolygonMask

_VERSION = 1
_GEOMETRY = ('points', 'boxes', 'polygons', 'holes', 'mask')


@dataclass(frozen=True)
class SceneFields:
    """The known elements of a target image (see `KnownElements`).

    Attributes:
        id: name of the scene.
        element: index of the demonstrated element.
        polygons: outline of every element.
        kinds: kind of every element.
        in_view: whether the whole outline of every element lies in the image.
    """

    id: str
    element: int
    polygons: tuple[Outline, ...]
    kinds: tuple[str, ...]
    in_view: tuple[bool, ...]


@dataclass(frozen=True)
class ManifestRow:
    """One row; its attributes have the names of the fields in the file.

    Attributes:
        clip: path of a video, of a folder of numbered frames, or `FOLDER#FIRST-LAST:STEP`.
        target: path of the target image.
        action: name of the action.
        points: points (x, y) that the action touches, in pixels of the target.
        boxes: boxes (left, top, right, bottom) in which the action is right.
        polygons: outlines in which it is right.
        holes: outlines of holes in `polygons`.
        mask: path of an image of the target's size, whose pixels above 0 are right.
        licence: licence of the row; None: that of the file.
        source: name of its dataset; None: that of the file.
        id: identifier of the sample; rows that share it are one sample. None for the paths.
        object: identifier of the displayed object.
        clip_seconds: (begin, end) if the demonstration is that part of the clip.
        target_size: (width, height) of the image that coordinates belong to; None for the size
            of the target.
        contact_frames: first and last frame of the clip with contact.
        contact_points: for each frame of the clip (see `Sample.contact_points`).
        scene: known elements in the target.

    Raises:
        ValueError: points, boxes, polygons and mask are all missing; more than one of the last
            three is given; or holes are given without polygons.
    """

    clip: str
    target: str
    action: str
    points: tuple[Point, ...] = ()
    boxes: tuple[Box, ...] = ()
    polygons: tuple[Outline, ...] = ()
    holes: tuple[Outline, ...] = ()
    mask: str | None = None
    licence: str | None = None
    source: str | None = None
    id: str | None = None
    object: str | None = None
    clip_seconds: tuple[float, float] | None = None
    target_size: Size | None = None
    contact_frames: tuple[int, int] | None = None
    contact_points: tuple[Point | None, ...] | None = None
    scene: SceneFields | None = None

    def __post_init__(self) -> None:
        regions = [name for name in ('boxes', 'polygons', 'mask') if getattr(self, name)]
        if len(regions) > 1:
            raise ValueError(f'it has {" and ".join(regions)}. Keep one of them')
        if not regions and not self.points:
            raise ValueError('it has none of points, boxes, polygons and mask. Add one of them')
        if self.holes and not self.polygons:
            raise ValueError('it has holes without polygons. Add the polygons that they are in')

    @property
    def shared(self) -> tuple[Any, ...]:
        """The values that all rows of one sample share."""
        own = ('action', *_GEOMETRY)
        return tuple(getattr(self, field.name) for field in fields(self) if field.name not in own)


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
        further_clips: paths of annotated clips that no row has.
    """

    path: Path
    root: Path
    header: ManifestHeader
    rows: list[NumberedRow] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
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
                NumberedRow(position, parse('', ManifestRow, {'id': id, **shared, **part}))
                for part in parts
            ]


def region(mask: PolygonMask) -> dict[str, Any]:
    """Return the fields of a row that hold a mask."""
    holes = [outline.tolist() for outline in mask.holes]
    return {'polygons': [outline.tolist() for outline in mask.outlines], 'holes': holes or None}


# A number in `Annotated` is the least value of a whole number, or the least length of a list; it
# is otherwise 0 or 1.
Point = tuple[float, float]
Outline = Annotated[tuple[Point, ...], 3]
Box = tuple[float, float, float, float]
Size = tuple[Annotated[int, 1], Annotated[int, 1]]


def parse(name: str, kind: Any, value: Any) -> Any:
    """Convert a plain JSON value.

    Args:
        name: name of the value, for errors; empty for a whole entry.
        kind: its type: str for text that is not blank, bool, int, float for a finite number, a
            tuple of any of them, a data class for an object, or one of these or None.
        value: the value.

    Raises:
        KeyError: a field of an object is missing.
        ValueError: the value is not of the type, or a field of an object is unknown.
    """
    arguments, least = get_args(kind), None
    if get_origin(kind) is Annotated:
        kind, least = arguments
        arguments = get_args(kind)
    if NoneType in arguments:
        (inner,) = (argument for argument in arguments if argument is not NoneType)
        return None if value is None else parse(name, inner, value)
    if is_dataclass(kind):
        return _parse_object(name, kind, value)
    if get_origin(kind) is tuple:
        return _parse_list(name, arguments, value, least or 1)
    is_right, expected = _PLAIN[kind]
    if not is_right(value) or (kind is int and value < (least or 0)):
        expected += f' of at least {least or 0}' if kind is int else ''
        raise ValueError(f'{name} is {_shown(value)}; expected {expected}')
    return kind(value)


def _parse_object(name: str, kind: Any, value: Any) -> Any:
    """Convert an object to a data class; a field that is null counts as missing."""
    if not isinstance(value, Mapping):
        raise ValueError(f'{name or "it"} is {_shown(value)}; expected an object')
    hints = _hints(kind)
    given = {field: content for field, content in value.items() if content is not None}
    if unknown := [field for field in given if field not in hints]:
        raise ValueError(
            f'{name or "it"} has an unknown field {unknown[0]!r}; expected only {", ".join(hints)}'
        )
    for declared in fields(kind):
        if declared.name not in given and declared.default is MISSING:
            raise KeyError(declared.name)
    ending = f' of {name}' if name else ''
    return kind(
        **{field: parse(field + ending, hints[field], item) for field, item in given.items()}
    )


def _parse_list(name: str, kinds: tuple[Any, ...], value: Any, least: int) -> tuple[Any, ...]:
    is_open = kinds[-1] is Ellipsis
    if not isinstance(value, list) or (
        len(value) < least if is_open else len(value) != len(kinds)
    ):
        length = f'at least {least}' if is_open else f'{len(kinds)} numbers'
        raise ValueError(f'{name} is {_shown(value)}; expected a list of {length}')
    each = kinds[:1] * len(value) if is_open else kinds
    return tuple(parse(name, kind, item) for kind, item in zip(each, value, strict=True))


@lru_cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _is_number(value: Any) -> bool:
    # A bool is an int.
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_PLAIN: Mapping[type, tuple[Callable[[Any], bool], str]] = {
    str: (lambda value: isinstance(value, str) and bool(value.strip()), 'text'),
    bool: (lambda value: isinstance(value, bool), 'true or false'),
    int: (lambda value: isinstance(value, int) and _is_number(value), 'a whole number'),
    float: (_is_number, 'a finite number'),
}


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f'{shown[:57]}...'
