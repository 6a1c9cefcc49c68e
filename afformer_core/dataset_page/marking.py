# SPDX-License-Identifier: Apache-2.0
"""A page on which a person marks the points of own pairs, and saves them as `points.csv`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from afformer_core.data.readers.unmarked_pairs import UnmarkedObject, read_unmarked_pairs
from afformer_core.dataset_page.page import RgbImage
from afformer_core.evaluation.report.contact_sheets import image_source
from afformer_core.evaluation.report.tiles import fit
from afformer_core.media.images import read_image
from afformer_core.media.video import read_video
from afformer_core.reports.pages import write_page

_FRAMES = 8
_FRAME_SIDE = 160
# Longest side of an image in the page, which marks are made in as finely as a hand can.
_IMAGE_SIDE = 1600
_TEMPLATE = Path(__file__).with_name('templates') / 'marking.html'


@dataclass(frozen=True)
class _Demonstration:
    """A demonstration as it is shown: some of its frames, small."""

    name: str
    frames: Sequence[RgbImage]


@dataclass(frozen=True)
class _Image:
    """An image as it is shown, and its own size in pixels."""

    name: str
    width: int
    height: int
    image: RgbImage


@dataclass(frozen=True)
class _ShownObject:
    """An object with its media as they are shown, and the rows of its table."""

    table: Path
    rows: Sequence[tuple[str | float, ...]]
    demonstrations: Sequence[_Demonstration]
    images: Sequence[_Image]


def write_marking_page(
    path: Path, folder: Path, root: Path | None = None, progress: bool = True
) -> None:
    """Write the page for a folder of own pairs; marks of its tables are shown and can be changed.

    Coordinates are whole pixels of an image as it is shown upright, however large it is drawn.

    Args:
        path: path of the page.
        folder: folder of the pairs, laid out as `folder_pairs` says, with or without tables.
        root: folder of the media where they do not lie beside the tables.
        progress: show a progress bar on stderr.

    Raises:
        DatasetError: as `read_unmarked_pairs`.
        ImageError: an image cannot be read.
        VideoError: a demonstration cannot be read.
    """
    pairs = read_unmarked_pairs(folder, root)
    objects = [
        _shown_object(unmarked)
        for unmarked in tqdm(pairs.objects, 'objects', disable=not progress)
    ]
    write_page(
        path,
        _TEMPLATE,
        title=f'Points of {folder}',
        objects=objects,
        action_names=pairs.action_names,
        image_source=image_source,
    )


def _shown_object(unmarked: UnmarkedObject) -> _ShownObject:
    return _ShownObject(
        table=unmarked.table,
        rows=[(row.demonstration, row.image, row.action, row.x, row.y) for row in unmarked.rows],
        demonstrations=[_demonstration(path) for path in unmarked.demonstrations],
        images=[_image(path) for path in unmarked.images],
    )


def _demonstration(path: Path) -> _Demonstration:
    frames = read_video(path, _FRAMES)
    return _Demonstration(path.name, [fit(frame, _FRAME_SIDE) for frame in frames])


def _image(path: Path) -> _Image:
    image = read_image(path)
    height, width = image.shape[:2]
    shown = fit(image, _IMAGE_SIDE) if max(height, width) > _IMAGE_SIDE else image
    return _Image(path.name, width, height, shown)
