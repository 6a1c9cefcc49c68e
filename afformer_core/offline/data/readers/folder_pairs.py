# SPDX-License-Identifier: Apache-2.0
"""Your own pairs: a folder of demonstrations, images, and a table of points.

    my_pairs/
      actions.txt                    optional: the names of the actions, one per line, in the order
                                     of their indices; or actions.json, a list of them
      licence.txt                    optional: the licence of all, such as CC-BY-4.0 or own
      espresso_machine/              a folder for each object, with any name
        demonstrations/
          press_left.mp4             a video,
          turn_knob/0001.jpg ...     or a folder of numbered frames
        images/
          kitchen.jpg                other images of the object, without hands
        points.csv

`points.csv` has a header and one row for each point, in any order:

    demonstration,image,action,x,y
    press_left.mp4,kitchen.jpg,press,412,238
    press_left.mp4,kitchen.jpg,press,415,240
    turn_knob,kitchen.jpg,turn,120,301.5

(x, y) is the point that the demonstrated action touches, in pixels of the image as it is shown: x
from 0 to its width, y from the top. Rows of the same demonstration, image and action are one set
of points; those of the same demonstration and image are one sample. A demonstration may have
points in several images, and an image for several demonstrations. All files in a folder show one
object, which files in other folders do not show. A single object needs no folder of its own: its
`points.csv`, `demonstrations` and `images` may be at the top.
"""

from __future__ import annotations

import csv
import io
import math
import warnings
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afformer_core.errors import DatasetError
from afformer_core.files.annotation_files import naming, read_action_names, read_text
from afformer_core.licences import UNKNOWN, Origin
from afformer_core.media.frame_folder import IMAGE_SUFFIXES
from afformer_core.media.images import read_image_size
from afformer_core.offline.data.manifest.contents import Manifest, ManifestHeader

ACTIONS_FILES = ('actions.txt', 'actions.json')
LICENCE_FILE = 'licence.txt'
DEMONSTRATIONS, IMAGES = 'demonstrations', 'images'


def read_folder_pairs(path: Path, root: Path | None = None) -> Manifest:
    """Read the pairs of a folder with the layout of this module.

    Samples are in the order of the objects' names, then of the first rows of their pairs. Only the
    tables and the headers of the images are read. A folder with media but without a table is
    excluded with a warning.

    Args:
        path: folder with `points.csv`, or with subfolders that have one.
        root: folder of the objects' media if they are not beside the tables, with a subfolder of
            the same name for each object.

    Raises:
        DatasetError: there is no table; a table is malformed, repeats a row, or has a point
            outside its image, an unknown action, or a missing or broken image, each with the file
            and the line; or the names of actions are malformed.
    """
    tables = {
        table.parent.relative_to(path): read_point_table(table) for table in _table_paths(path)
    }
    names = pair_actions(path, (row.action for rows in tables.values() for row in rows))
    origin = folder_origin(path)
    header = ManifestHeader(actions=names, source=origin.source, licence=origin.licence)
    manifest = Manifest(path, path if root is None else root, header)
    for object_folder, rows in tables.items():
        _add_object(manifest, object_folder, rows)
    _warn_of_missing_tables(manifest, tables)
    return manifest


def _warn_of_missing_tables(manifest: Manifest, tables: Container[Path]) -> None:
    for folder in object_folders(manifest.path):
        object_folder = folder.relative_to(manifest.path)
        media = [
            name
            for name in (DEMONSTRATIONS, IMAGES)
            if (manifest.root / object_folder / name).is_dir()
        ]
        if media and object_folder not in tables:
            warnings.warn(
                f'{folder} is left out: it has {" and ".join(media)} but no {POINTS_FILE}. Mark '
                f'its points with `afformer studio --pairs {manifest.path}`, or rename the '
                f'existing table',
                stacklevel=3,
            )


def _add_object(manifest: Manifest, object_folder: Path, rows: Sequence[PointRow]) -> None:
    pairs: dict[tuple[Path, Path], dict[str, list[list[float]]]] = {}
    sizes: dict[Path, tuple[int, int]] = {}
    table = manifest.path / object_folder / POINTS_FILE
    for row in rows:
        # Paths make `turn_knob` and `turn_knob/` equal.
        demonstration, image = Path(row.demonstration), Path(row.image)
        with naming(f'line {row.line} of {table}'):
            if image not in sizes:
                sizes[image] = read_image_size(manifest.root / object_folder / IMAGES / image)
            width, height = sizes[image]
            if not (0 <= row.x < width and 0 <= row.y < height):
                raise ValueError(
                    f'the point is ({row.x:g}, {row.y:g}); expected one within {row.image}, '
                    f'which is {width}x{height}'
                )
            if row.action not in manifest.header.actions:
                names = ', '.join(manifest.header.actions)
                raise ValueError(f'action is {row.action!r}; expected one of {names}')
        parts = pairs.setdefault((demonstration, image), {})
        parts.setdefault(row.action, []).append([row.x, row.y])
    for (demonstration, image), parts in pairs.items():
        manifest.add(
            f'{demonstration} on {image} in {table}',
            *({'action': action, 'points': points} for action, points in parts.items()),
            id=(object_folder / demonstration / image).as_posix(),
            clip=(object_folder / DEMONSTRATIONS / demonstration).as_posix(),
            target=(object_folder / IMAGES / image).as_posix(),
            target_size=list(sizes[image]),
            object=object_folder.as_posix(),
        )


@dataclass(frozen=True)
class ObjectMedia:
    """The files that show one object, whether or not its points are marked.

    Attributes:
        table: file of its points, which may not exist.
        demonstrations: videos, and folders of frames; at least one.
        images: image files; at least one.
    """

    table: Path
    demonstrations: tuple[Path, ...]
    images: tuple[Path, ...]


def read_media(folder: Path) -> list[ObjectMedia]:
    """List the media of each object of a folder with the layout of this module.

    Raises:
        DatasetError: the folder is missing or has no object, or a media folder of an object is
            missing or empty.
    """
    if not folder.is_dir():
        raise DatasetError(f'{folder} does not exist; expected a folder of pairs')
    found = []
    for object_folder in object_folders(folder):
        media = {name: object_folder / name for name in (DEMONSTRATIONS, IMAGES)}
        if not any(path.is_dir() for path in media.values()):
            continue
        demonstrations, images = (
            tuple(_visible(path)) if path.is_dir() else () for path in media.values()
        )
        images = tuple(
            path for path in images if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()
        )
        for path, files in zip(media.values(), (demonstrations, images), strict=True):
            if not files:
                raise DatasetError(
                    f'{path} is missing or empty. Put {path.name} of the object there, or move '
                    f'{object_folder} elsewhere'
                )
        found.append(ObjectMedia(object_folder / POINTS_FILE, demonstrations, images))
    if not found:
        raise DatasetError(
            f'neither {folder} nor a folder in it contains {DEMONSTRATIONS} and {IMAGES}. Put the '
            'videos of an object into the former and images of it into the latter'
        )
    return found


def object_folders(folder: Path) -> list[Path]:
    """List the folder itself and all its subfolders, as the possible folders of objects."""
    return [folder, *(path for path in _visible(folder) if path.is_dir())]


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith('.'))


def _table_paths(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DatasetError(f'{folder} does not exist; expected a folder of pairs')
    paths = [object_folder / POINTS_FILE for object_folder in object_folders(folder)]
    tables = [path for path in paths if path.is_file()]
    if not tables:
        raise DatasetError(
            f'neither {folder} nor a folder in it contains {POINTS_FILE}. Mark the points with '
            f'`afformer studio --pairs {folder}`, or name the annotation file of a dataset in '
            'another format'
        )
    return tables


def pair_actions(folder: Path, used: Iterable[str]) -> tuple[str, ...]:
    """Return the names of all actions: those listed in a file in the folder, or the used ones.

    Raises:
        DatasetError: there are two such files, or a file is malformed.
    """
    files = [folder / name for name in ACTIONS_FILES if (folder / name).exists()]
    if len(files) > 1:
        raise DatasetError(f'{folder} contains both {files[0].name} and {files[1].name}. Keep one')
    return read_action_names(files[0]) if files else tuple(sorted(set(used)))


def folder_origin(folder: Path) -> Origin:
    """Return the origin of a folder's pairs: its name, and the licence in `licence.txt`, if any.

    Raises:
        DatasetError: the file does not contain exactly one line.
    """
    file = folder / LICENCE_FILE
    licence = read_text(file).strip() if file.exists() else UNKNOWN
    with naming(str(file)):
        return Origin(folder.resolve().name or UNKNOWN, licence)


POINTS_FILE = 'points.csv'

_COLUMNS = ('demonstration', 'image', 'action', 'x', 'y')


@dataclass(frozen=True)
class PointRow:
    """One row: a point in an image that an action touches in a demonstration.

    Attributes:
        line: number of the row's line in its file, from 1.
        demonstration: name of a video or of a folder of frames; not empty.
        image: name of a file; not empty.
        action: name of the action; not empty.
        x: column in pixels of the image, finite.
        y: row in pixels of the image, finite.

    Raises:
        ValueError: a name is empty, or a number is not finite.
    """

    line: int
    demonstration: str
    image: str
    action: str
    x: float
    y: float

    def __post_init__(self) -> None:
        for name in ('demonstration', 'image', 'action'):
            if not getattr(self, name):
                raise ValueError(f'{name} is empty; expected a name')
        for name in ('x', 'y'):
            if not math.isfinite(getattr(self, name)):
                raise ValueError(f'{name} is {getattr(self, name)}; expected a finite number')


def read_point_table(path: Path) -> tuple[PointRow, ...]:
    """Read the rows of a table; values are stripped of spaces, and empty lines are skipped.

    Args:
        path: file in UTF-8 with values separated by commas, whose first line has the columns
            demonstration, image, action, x and y, in any order.

    Raises:
        DatasetError: the file is missing or not text, lacks a column, or has an unknown column or
            no row; a row has too many or too few values, an empty value, a number that is not
            finite, or is repeated; each error has the line.
    """
    lines = _fields(path, read_text(path).removeprefix('\ufeff'))
    first, header = next(lines, (1, []))
    with naming(f'line {first} of {path}'):
        _require_columns(header)
    rows: dict[tuple[str | float, ...], PointRow] = {}
    for line, fields in lines:
        with naming(f'line {line} of {path}'):
            row = _row(line, header, fields)
            key = row.demonstration, row.image, row.action, row.x, row.y
            if key in rows:
                raise ValueError(f'it repeats line {rows[key].line}. Keep one of them')
            rows[key] = row
    if not rows:
        raise DatasetError(f'{path} has no row below its header. Add one for each point')
    return tuple(rows.values())


def point_table_text(rows: Iterable[PointRow]) -> str:
    """Write the text of a table that `read_point_table` reads; numbers to a hundredth of a pixel.

    Line numbers of rows are not used; rows are written in the given order.
    """
    text = io.StringIO(newline='')
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(_COLUMNS)
    for row in rows:
        point = (f'{round(row.x, 2):.12g}', f'{round(row.y, 2):.12g}')
        writer.writerow((row.demonstration, row.image, row.action, *point))
    return text.getvalue()


def _fields(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the values of each line that is not empty."""
    reader = csv.reader(io.StringIO(text, newline=''), strict=True)
    try:
        for fields in reader:
            stripped = [field.strip() for field in fields]
            if any(stripped):
                yield reader.line_num, stripped
    except csv.Error as error:
        raise DatasetError(f'line {reader.line_num} of {path}: {error}') from error


def _require_columns(header: list[str]) -> None:
    expected = f'expected the columns {", ".join(_COLUMNS)}, separated by commas'
    for name in header:
        if name not in _COLUMNS:
            raise ValueError(f'the column {name!r} is unknown; {expected}')
        if header.count(name) > 1:
            raise ValueError(f'the column {name!r} appears twice; {expected}')
    for name in _COLUMNS:
        if name not in header:
            raise ValueError(f'the column {name!r} is missing; {expected}')


def _row(line: int, header: list[str], fields: list[str]) -> PointRow:
    if len(fields) != len(header):
        raise ValueError(
            f'there are {len(fields)} values; expected {len(header)} as in the header'
        )
    values: dict[str, Any] = dict(zip(header, fields, strict=True))
    for name in ('x', 'y'):
        try:
            values[name] = float(values[name])
        except ValueError as error:
            raise ValueError(f'{name} is {values[name]!r}; expected a number') from error
    return PointRow(line, **values)
