# SPDX-License-Identifier: Apache-2.0
"""The protocol of earlier work on OPRA: one row per image and action, at 28x28."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.data.heatmaps import summed_heatmaps
from afformer_core.data.sample import Sample
from afformer_core.evaluation.protocols import Heatmaps, Row, points_by_action, sample_group

_ANNOTATED = 256
_CROP = 224
_COMPARED = 28
_BLUR = 5


class PooledProtocol:
    """One row per (image, action): whoever annotated whichever clip, all points count.

    Points that share a pixel add up. The ground truth is blurred at 256x256 and brought to
    224x224 and from there to 28x28, each bilinearly. KLD has an epsilon of 1e-12.

    Args:
        without_empty: leave out rows none of whose points lies inside the image.
    """

    epsilon = 1e-12
    tells_demonstrations_apart = False
    size = (_COMPARED, _COMPARED)

    def __init__(self, without_empty: bool = False) -> None:
        self.name = 'pooled28-noempty' if without_empty else 'pooled28'
        self._without_empty = without_empty

    def rows(self, samples: Sequence[Sample]) -> tuple[Row, ...]:
        """Rows in the order in which the samples first name each image and action."""
        pooled: dict[tuple[str, int], list[NDArray[np.float64]]] = {}
        groups: dict[str, str] = {}
        for sample in samples:
            image = str(sample.image_path)
            groups[image] = sample_group(sample)
            scale = np.divide(_ANNOTATED, sample.image_size)
            for action, points in points_by_action(sample).items():
                pooled.setdefault((image, action), []).append(points * scale)
        size = (_ANNOTATED, _ANNOTATED)
        rows = (
            Row(action, groups[image], np.concatenate(points), size, image)
            for (image, action), points in pooled.items()
        )
        return tuple(row for row in rows if not self._without_empty or _has_points(row))

    def truths(self, rows: Sequence[Row]) -> Heatmaps:
        """Blurred points, float32 [N, 28, 28]; uniform where no point lies inside the image."""
        truths = [_shrunk(summed_heatmaps(row.points, (_ANNOTATED, _ANNOTATED))) for row in rows]
        return np.stack([_normalised(truth) for truth in truths])

    def prediction(self, heatmap: Heatmaps) -> Heatmaps:
        """The heatmap resampled to 28x28, blurred by a kernel of 5x5, and divided by its sum."""
        resized = cv2.resize(heatmap, self.size[::-1], interpolation=cv2.INTER_LINEAR)
        blurred = cv2.GaussianBlur(resized, (_BLUR, _BLUR), 0, borderType=cv2.BORDER_CONSTANT)
        return _normalised(np.asarray(blurred))


def _shrunk(heatmap: Heatmaps) -> Heatmaps:
    for side in (_CROP, _COMPARED):
        heatmap = np.asarray(cv2.resize(heatmap, (side, side), interpolation=cv2.INTER_LINEAR))
    return heatmap


def _normalised(heatmap: Heatmaps) -> Heatmaps:
    total = float(heatmap.sum(dtype=np.float64))
    if total == 0:
        return np.full(heatmap.shape, 1 / heatmap.size, np.float32)
    return np.asarray(heatmap / total, np.float32)


def _has_points(row: Row) -> bool:
    inside = (row.points > -1) & (row.points < row.image_size)
    return bool(inside.all(axis=1).any())
