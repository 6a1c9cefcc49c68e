# SPDX-License-Identifier: Apache-2.0
"""The protocol of earlier work (paper, Table 2): one row per image and action, at 28x28."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from afformer_core.offline.data.sample import Sample
from afformer_core.offline.evaluation.protocols.coarse_protocol import CoarseRowsProtocol
from afformer_core.offline.evaluation.protocols.protocols import ProtocolRow


class PooledProtocol(CoarseRowsProtocol):
    """One row per (image, action), with the points of all annotators and clips.

    Args:
        without_empty: exclude rows without a point inside the image.
    """

    def __init__(self, *, without_empty: bool = False) -> None:
        self.name = 'pooled28-noempty' if without_empty else 'pooled28'
        self._without_empty = without_empty

    def rows(self, samples: Sequence[Sample]) -> tuple[ProtocolRow, ...]:
        """Return rows in the order in which each image and action first occur.

        The points are in pixels of the first annotated size of an image.
        """
        pooled: dict[tuple[str, int], list[NDArray[np.float64]]] = {}
        first: dict[str, Sample] = {}
        for sample in samples:
            image = str(sample.image_path)
            size = first.setdefault(image, sample).image_size
            scale = np.divide(size, sample.image_size)
            for action, points in sample.points_by_action.items():
                pooled.setdefault((image, action), []).append(points * scale)
        rows = (
            ProtocolRow(
                action,
                first[image].group,
                np.concatenate(points),
                first[image].image_size,
                image,
            )
            for (image, action), points in pooled.items()
        )
        return tuple(row for row in rows if not self._without_empty or _has_points(row))


def _has_points(row: ProtocolRow) -> bool:
    inside = (row.points > -1) & (row.points < row.image_size)
    return bool(inside.all(axis=1).any())
