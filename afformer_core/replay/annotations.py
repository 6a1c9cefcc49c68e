# SPDX-License-Identifier: Apache-2.0
"""Annotations of a bag's images, as a JSON file.

    {"images": [{"stamp": 1700000000033000000,
                 "points": [[412.5, 230.1], [409.0, 233.7]],
                 "outline": [[401, 221], [420, 221], [420, 240], [401, 240]],
                 "position": [0.031, -0.012, 0.702],
                 "normal": [0.1, 0.0, -0.995]}]}

`stamp` is the image header's, in nanoseconds; an entry without one applies to every image without
its own entry. All other fields are optional, except that one of `points` and `position` is
required. Further contents of the file are ignored.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import DatasetError


@dataclass(frozen=True)
class ImageAnnotation:
    """The target of one image, or of all images.

    Attributes:
        stamp: stamp of the image, nanoseconds; None for every image without an entry of its own.
        points: float64 [N, 2], where to interact, (x, y) in pixels of the image; N may be 0.
        outline: float64 [K, 2] polygon around the part to touch; None if unknown.
        position: float64 [3], point to touch, metres in the camera's optical frame, or None.
        normal: float64 [3] unit vector out of the surface there, or None.
    """

    stamp: int | None
    points: NDArray[np.float64]
    outline: NDArray[np.float64] | None
    position: NDArray[np.float64] | None
    normal: NDArray[np.float64] | None

    def __post_init__(self) -> None:
        if self.points.ndim != 2 or self.points.shape[1] != 2:
            raise DatasetError(f'points are {list(self.points.shape)}; expected [N, 2]')
        if self.outline is not None and (self.outline.ndim != 2 or len(self.outline) < 3):
            raise DatasetError(
                f'outline is {list(self.outline.shape)}; expected [K, 2] with K >= 3'
            )
        for name in ('position', 'normal'):
            vector = getattr(self, name)
            if vector is not None and vector.shape != (3,):
                raise DatasetError(f'{name} is {list(vector.shape)}; expected [3]')
        if len(self.points) == 0 and self.position is None:
            raise DatasetError('an annotation needs points or a position')

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> ImageAnnotation:
        """Read one entry of a file.

        Raises:
            DatasetError: a value is malformed.
        """
        try:
            stamp = fields.get('stamp')
            return cls(
                None if stamp is None else int(stamp),
                np.array(fields.get('points', ()), np.float64).reshape(-1, 2),
                *(
                    np.array(fields[key], np.float64) if fields.get(key) is not None else None
                    for key in ('outline', 'position', 'normal')
                ),
            )
        except (TypeError, ValueError) as error:
            raise DatasetError(f'an annotation has a malformed value: {error}') from error

    def to_json(self) -> dict[str, Any]:
        """Return the entry of a file, rounded to a relevant precision."""
        fields: dict[str, Any] = {} if self.stamp is None else {'stamp': self.stamp}
        fields['points'] = np.round(self.points, 2).tolist()
        if self.outline is not None:
            fields['outline'] = np.round(self.outline, 2).tolist()
        for key in ('position', 'normal'):
            if getattr(self, key) is not None:
                fields[key] = np.round(getattr(self, key), 6).tolist()
        return fields


class BagAnnotations:
    """The annotations of a bag, by stamp.

    Args:
        entries: at most one per stamp, and at most one without.
    """

    def __init__(self, entries: Iterable[ImageAnnotation]) -> None:
        self._entries: dict[int | None, ImageAnnotation] = {}
        for entry in entries:
            if entry.stamp in self._entries:
                raise DatasetError(f'two annotations have the stamp {entry.stamp}')
            self._entries[entry.stamp] = entry

    def __len__(self) -> int:
        return len(self._entries)

    def of(self, stamp: int) -> ImageAnnotation | None:
        """Return the annotation of the image with a stamp, nanoseconds; None if there is none."""
        return self._entries.get(stamp, self._entries.get(None))


def read_annotations(path: Path) -> BagAnnotations:
    """Read a file of annotations.

    Raises:
        DatasetError: the file is missing, not JSON, or malformed.
    """
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise DatasetError(f'{path} cannot be read as JSON: {error}') from error
    entries = content.get('images') if isinstance(content, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise DatasetError(
            f'{path} has no list of objects under "images"; expected a JSON object with one'
        )
    try:
        return BagAnnotations(ImageAnnotation.from_json(entry) for entry in entries)
    except DatasetError as error:
        raise DatasetError(f'{path}: {error}') from error
