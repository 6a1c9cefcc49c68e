# SPDX-License-Identifier: Apache-2.0
"""Samples of any dataset as rows of a manifest."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.data.polygon_mask import PolygonMask
from afformer_core.data.readers.manifest.fields import Outline
from afformer_core.data.readers.manifest.files import ManifestHeader, write_manifest
from afformer_core.data.readers.manifest.row import ManifestRow, SceneFields
from afformer_core.data.sample import KnownElements, Sample
from afformer_core.data.verification import points_outside
from afformer_core.errors import DatasetError


def convert_to_manifest(
    samples: Sequence[Sample], action_names: Sequence[str], path: Path
) -> None:
    """Write samples as a manifest from which the same samples can be read.

    Args:
        samples: samples of any dataset, at least one, of different ids.
        action_names: names of the actions, by the samples' indices.
        path: the file; `.jsonl`, `.ndjson` or `.parquet`. Paths in it are relative to its folder,
            so that both can be moved together.

    Raises:
        DatasetError: the suffix is not that of a manifest, two samples have the same id, or a path
            is not Unicode.
    """
    counts = Counter(sample.sample_id for sample in samples)
    [(name, most)] = counts.most_common(1)
    if most > 1:
        raise DatasetError(
            f'{most} samples are named {name}; expected one, since rows with the same name form '
            'one sample. Remove the others'
        )
    header = ManifestHeader(
        actions=tuple(action_names), points_outside=points_outside(samples) > 0
    )
    folder = Path(os.path.abspath(path.parent))
    rows = [row for sample in samples for row in _rows(sample, action_names, folder)]
    write_manifest(path, header, rows)


def _rows(sample: Sample, action_names: Sequence[str], folder: Path) -> list[ManifestRow]:
    masks = sample.masks or (None,) * len(sample.actions)
    return [
        ManifestRow(
            clip=_relative(sample.video_path, folder),
            target=_relative(sample.image_path, folder),
            action=action_names[action],
            points=_points_beside(points, mask, sample.image_size),
            polygons=() if mask is None else tuple(map(_outline, mask.outlines)),
            holes=() if mask is None else tuple(map(_outline, mask.holes)),
            licence=sample.origin.licence,
            source=sample.origin.source,
            id=sample.sample_id,
            object=sample.object_id,
            clip_seconds=sample.clip,
            target_size=sample.image_size,
            contact_frames=sample.contact,
            contact_points=sample.contact_points,
            scene=None if sample.scene is None else _scene(sample.scene),
        )
        for action, points, mask in zip(sample.actions, sample.points, masks, strict=True)
    ]


def _relative(path: Path, folder: Path) -> str:
    relative = Path(os.path.relpath(path, folder)).as_posix()
    try:
        relative.encode()
    except UnicodeEncodeError as error:
        raise DatasetError(
            f'{os.fsencode(path)!r} is not a path in UTF-8, which a manifest needs. Rename it'
        ) from error
    return relative


def _points_beside(
    points: NDArray[np.float64], mask: PolygonMask | None, size: tuple[int, int]
) -> Outline:
    """Return the points, unless a reader would derive the same points from the mask."""
    if mask is not None and np.array_equal(points, mask.even_points(size)):
        return ()
    return _outline(points)


def _outline(points: NDArray[np.float64]) -> Outline:
    return tuple((float(x), float(y)) for x, y in points)


def _scene(scene: KnownElements) -> SceneFields:
    return SceneFields(
        scene.scene_id,
        scene.element,
        tuple(map(_outline, scene.polygons)),
        scene.kinds,
        scene.in_view,
    )
