# SPDX-License-Identifier: Apache-2.0
"""One row of a manifest: a clip, a target image, and the right region of one action in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from afformer_core.offline.data.manifest.fields import (
    Box,
    Outline,
    Point,
    boxes,
    flag,
    items,
    numbers,
    outlines,
    point,
    points,
    text,
    whole,
    wholes,
)

GEOMETRY = ('points', 'boxes', 'polygons', 'holes', 'mask')


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

    @classmethod
    def from_json(cls, value: Any) -> SceneFields:
        """Check plain JSON types.

        Raises:
            KeyError: a field is missing.
            ValueError: a field is unknown or has an unexpected value.
        """
        if not isinstance(value, Mapping):
            raise ValueError(f'scene is {value!r}; expected an object')
        _require_known(cls, value, 'scene has ')
        return cls(
            text('id of the scene', value['id']),
            whole('element of the scene', value['element'], 0),
            outlines('polygons of the scene', value['polygons']),
            tuple(text('a kind', entry) for entry in items('kinds of the scene', value['kinds'])),
            tuple(flag('in_view', entry) for entry in items('in_view', value['in_view'])),
        )


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
    target_size: tuple[int, int] | None = None
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

    @classmethod
    def from_json(cls, value: Any) -> ManifestRow:
        """Check plain JSON types; a field that is null counts as missing.

        Raises:
            KeyError: a field is missing.
            ValueError: a field is unknown or has an unexpected value.
        """
        if not isinstance(value, Mapping):
            raise ValueError(f'it is {value!r}; expected an object')
        given = {
            name: field_value for name, field_value in value.items() if field_value is not None
        }
        _require_known(cls, given, 'it has ')
        for name in ('clip', 'target', 'action'):
            if name not in given:
                raise KeyError(name)
        return cls(
            **{name: _PARSERS[name](name, field_value) for name, field_value in given.items()}
        )

    @property
    def shared(self) -> tuple[Any, ...]:
        """The values that all rows of one sample share."""
        own = ('action', *GEOMETRY)
        return tuple(getattr(self, field.name) for field in fields(self) if field.name not in own)


def _require_known(kind: type, value: Mapping[str, Any], begins: str) -> None:
    names = [field.name for field in fields(kind)]
    if unknown := [str(name) for name in value if name not in names]:
        raise ValueError(
            f'{begins}an unknown field {unknown[0]!r}; expected only {", ".join(names)}'
        )


def _pair(name: str, value: Any) -> tuple[float, ...]:
    return numbers(name, value, 2)


def _size(name: str, value: Any) -> tuple[int, ...]:
    return wholes(name, value, 2, 1)


def _frames(name: str, value: Any) -> tuple[int, ...]:
    return wholes(name, value, 2, 0)


def _contact_points(name: str, value: Any) -> tuple[Point | None, ...]:
    return tuple(None if entry is None else point(name, entry) for entry in items(name, value))


def _scene(name: str, value: Any) -> SceneFields:
    return SceneFields.from_json(value)


_PARSERS: Mapping[str, Callable[[str, Any], Any]] = {
    'clip': text,
    'target': text,
    'action': text,
    'points': points,
    'boxes': boxes,
    'polygons': outlines,
    'holes': outlines,
    'mask': text,
    'licence': text,
    'source': text,
    'id': text,
    'object': text,
    'clip_seconds': _pair,
    'target_size': _size,
    'contact_frames': _frames,
    'contact_points': _contact_points,
    'scene': _scene,
}
