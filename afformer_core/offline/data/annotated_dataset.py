# SPDX-License-Identifier: Apache-2.0
"""Samples of any dataset, built from the rows of a manifest."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import overload

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from afformer_core.errors import DatasetError
from afformer_core.files.annotation_files import naming
from afformer_core.licences import UNKNOWN, Origin
from afformer_core.media.images import read_image_size
from afformer_core.offline.data.manifest.contents import (
    Manifest,
    ManifestRow,
    NumberedRow,
    SceneFields,
)
from afformer_core.offline.data.polygon_mask import PolygonMask
from afformer_core.offline.data.sample import KnownElements, Sample


class AnnotatedDataset(Sequence[Sample]):
    """The samples of a manifest, in the order of their first rows.

    Rows of one `id`, or without one of the same clip and target, are one sample. Only the headers
    of images without `target_size` and images of masks are read; `find_problems` checks clips and
    images.

    Args:
        manifest: rows of a file, or of another dataset.

    Attributes:
        annotations: the file or folder of the annotations.
        root: folder of the media.
        action_names: names of the actions, by the samples' indices.

    Raises:
        DatasetError: there is no row; or one names an unknown action, an image or a mask that is
            missing or broken, a point outside of the image, or contradicts an earlier row of its
            sample; each with its position.
    """

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self.annotations = manifest.path
        self.root = manifest.root
        used = {positioned.row.action for positioned in manifest.rows}
        self.action_names = manifest.header.actions or tuple(sorted(used))
        self._indices = {name: index for index, name in enumerate(self.action_names)}
        self._sizes: dict[str, tuple[int, int]] = {}
        together: dict[str, list[NumberedRow]] = {}
        for positioned in manifest.rows:
            same = together.setdefault(sample_id(positioned.row), [])
            if same and same[0].row.shared != positioned.row.shared:
                raise DatasetError(
                    f'{positioned.position} contradicts {same[0].position}: rows of one sample '
                    'may differ only in the action and its region. Give it another id'
                )
            same.append(positioned)
        self._samples = [self._sample(name, same) for name, same in together.items()]
        if not self._samples:
            reasons = ', '.join(f'{why} ({count})' for why, count in manifest.left_out.items())
            raise DatasetError(
                f'{self.annotations} contains 0 samples; expected at least 1'
                + (f'. Left out: {reasons}' if reasons else '')
            )

    def __len__(self) -> int:
        return len(self._samples)

    @property
    def clip_paths(self) -> tuple[Path, ...]:
        """Paths of all annotated clips, each once, as in `Sample.video_path`."""
        further = map(self._path, self.manifest.further_clips)
        return tuple(dict.fromkeys((*(sample.video_path for sample in self._samples), *further)))

    @overload
    def __getitem__(self, index: int) -> Sample: ...

    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...

    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        return self._samples[index]

    def _sample(self, name: str, rows: Sequence[NumberedRow]) -> Sample:
        first = rows[0].row
        with naming(rows[0].position):
            size = self._size(first)
        actions, points, masks = [], [], []
        for positioned in rows:
            with naming(positioned.position):
                actions.append(self._action(positioned.row.action))
                mask = self._mask(positioned.row, size)
                masks.append(mask)
                points.append(self._points(positioned.row, mask, size))
        source = first.source or self.manifest.header.source or self.annotations.stem
        with naming(rows[0].position):
            return Sample(
                sample_id=name,
                video_path=self._path(first.clip),
                image_path=self._path(first.target),
                image_size=size,
                actions=tuple(actions),
                points=tuple(points),
                scene=None if first.scene is None else _scene(first.scene),
                clip=first.clip_seconds,
                contact=first.contact_frames,
                contact_points=first.contact_points,
                object_id=first.object,
                masks=() if all(mask is None for mask in masks) else tuple(masks),
                origin=Origin(source, first.licence or self.manifest.header.licence or UNKNOWN),
            )

    def _path(self, path: str) -> Path:
        joined = self.root / path
        return Path(os.path.normpath(joined)) if '..' in Path(path).parts else joined

    def _size(self, row: ManifestRow) -> tuple[int, int]:
        if row.target_size is not None:
            return row.target_size
        if row.target not in self._sizes:
            self._sizes[row.target] = read_image_size(self._path(row.target))
        return self._sizes[row.target]

    def _action(self, name: str) -> int:
        if name not in self._indices:
            raise ValueError(f'action is {name!r}; expected one of {", ".join(self._indices)}')
        return self._indices[name]

    def _mask(self, row: ManifestRow, size: tuple[int, int]) -> PolygonMask | None:
        if row.boxes:
            return PolygonMask.of_boxes(np.array(row.boxes, np.float64))
        if row.polygons:
            return PolygonMask(_arrays(row.polygons), _arrays(row.holes))
        if row.mask is not None:
            return PolygonMask.of_pixels(_read_pixels(self._path(row.mask), size))
        return None

    def _points(
        self, row: ManifestRow, mask: PolygonMask | None, size: tuple[int, int]
    ) -> NDArray[np.float64]:
        # This also runs if points are given, because it checks that the mask lies in the image.
        even = None if mask is None else mask.even_points(size)
        if even is not None and not row.points:
            return even
        points = np.array(row.points, np.float64)
        # This matches `target_heatmaps`, which ignores them.
        outside = ((points <= -1) | (points >= np.array(size))).any(axis=1)
        if outside.any() and not self.manifest.header.points_outside:
            x, y = points[outside][0]
            raise ValueError(
                f'the point ({x:g}, {y:g}) lies outside of {row.target}, which is '
                f'{size[0]}x{size[1]}. Correct it, or write "points_outside": true in the header'
            )
        return points


def sample_id(row: ManifestRow) -> str:
    """Return the name of the sample of a row."""
    if row.id is not None:
        return row.id
    part = '' if row.clip_seconds is None else '#t={:g},{:g}'.format(*row.clip_seconds)
    return f'{row.clip}{part} on {row.target}'


def _arrays(outlines: Sequence[Sequence[tuple[float, float]]]) -> tuple[NDArray[np.float64], ...]:
    return tuple(np.array(outline, np.float64) for outline in outlines)


def _scene(scene: SceneFields) -> KnownElements:
    return KnownElements(
        scene.id, scene.element, _arrays(scene.polygons), scene.kinds, scene.in_view
    )


def _read_pixels(path: Path, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Read a mask, an image of one channel or indexed colours: bool [height, width]."""
    try:
        with PIL.Image.open(path) as image:
            if image.mode not in ('1', 'L', 'P', 'I', 'I;16'):
                raise ValueError(
                    f'the mask {path} has the mode {image.mode}; expected one channel (1, L, P, I)'
                )
            pixels = np.asarray(image) > 0
    except FileNotFoundError as error:
        raise ValueError(f'the mask {path} does not exist') from error
    except (OSError, SyntaxError) as error:
        raise ValueError(f'the mask {path} cannot be read: {error}') from error
    if pixels.shape != size[::-1]:
        raise ValueError(
            f'the mask {path} is {pixels.shape[1]}x{pixels.shape[0]}; expected '
            f'{size[0]}x{size[1]} as its image'
        )
    return pixels
