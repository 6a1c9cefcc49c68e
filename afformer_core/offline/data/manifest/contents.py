# SPDX-License-Identifier: Apache-2.0
"""The contents of manifests: a header, and rows of a clip, a target image and a right region."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from afformer_core.files.annotation_files import naming
from afformer_core.offline.data.manifest.fields import Box, Outline, Point, Size, parse
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
