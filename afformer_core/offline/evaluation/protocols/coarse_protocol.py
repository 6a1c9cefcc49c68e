# SPDX-License-Identifier: Apache-2.0
"""The comparison of coarse-grained grounding, at 28x28 (paper, section 5.2 and Table 2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from afformer_core.offline.data.heatmaps import summed_heatmaps
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.evaluation.protocols.protocols import (
    Heatmaps,
    ProtocolRow,
    RowsProtocol,
)

_CROP = 224
_COMPARED = 28
_BLUR = 5
# Maximum side in pixels; the tables for blurring a larger image would exhaust memory.
_LARGEST = 1024


class CoarseRowsProtocol:
    """One row per (sample, action), compared at 28x28 like earlier work.

    Points that share a pixel add up. The ground truth is blurred at the size of the annotated
    image (256x256 in OPRA's release; the crop of an object in EPIC-Hotspot) and resampled
    bilinearly to 224x224 and then to 28x28. A prediction is resampled bilinearly from the model's
    size to 28x28, and blurred with a kernel of 5x5. KLD has an epsilon of 1e-12.
    """

    name = 'rows28'
    size = (_COMPARED, _COMPARED)
    epsilon = 1e-12
    at_model_size = True

    def rows(self, samples: Sequence[Sample]) -> tuple[ProtocolRow, ...]:
        """Return rows in the order of samples, and of the first occurrence of each action."""
        return RowsProtocol().rows(samples)

    def targets(self, rows: Sequence[ProtocolRow]) -> Heatmaps:
        """Blur points to float32 [N, 28, 28]; uniform if no point lies inside the image."""
        return np.stack([_normalised(_downsampled(_blurred(_fitted(row)))) for row in rows])

    def prediction(self, heatmap: Heatmaps) -> Heatmaps:
        """Resample the heatmap to 28x28, blur it with a 5x5 kernel, and divide it by its sum."""
        resized = cv2.resize(heatmap, self.size[::-1], interpolation=cv2.INTER_LINEAR)
        return _normalised(np.asarray(cv2.GaussianBlur(resized, (_BLUR, _BLUR), 0)))


def _fitted(row: ProtocolRow) -> ProtocolRow:
    """Scale a row to an image with sides of at most 1024 pixels."""
    scale = min(1.0, _LARGEST / max(row.image_size))
    width, height = (max(1, round(scale * side)) for side in row.image_size)
    points = row.points * np.divide((width, height), row.image_size)
    return replace(row, points=points, image_size=(width, height))


def _blurred(row: ProtocolRow) -> Heatmaps:
    return summed_heatmaps(row.points, row.image_size[::-1])


def _downsampled(heatmap: Heatmaps) -> Heatmaps:
    for side in (_CROP, _COMPARED):
        heatmap = np.asarray(cv2.resize(heatmap, (side, side), interpolation=cv2.INTER_LINEAR))
    return heatmap


def _normalised(heatmap: Heatmaps) -> Heatmaps:
    total = float(heatmap.sum(dtype=np.float64))
    if total == 0:
        return np.full(heatmap.shape, 1 / heatmap.size, np.float32)
    return np.asarray(heatmap / total, np.float32)
