# SPDX-License-Identifier: Apache-2.0
"""The protocol for data with boxes of buttons: the choice of the demonstrated button."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import DatasetError
from afformer_core.media.polygons import Polygon, contained
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.evaluation.protocols.protocols import (
    Heatmaps,
    ProtocolRow,
    RowsProtocol,
)

# Number of sub-pixels along each side of a pixel when drawing the outline of a box.
_FINENESS = 4


class ButtonsProtocol(RowsProtocol):
    """One row per (sample, action), whose ground truth is the demonstrated box.

    The probability is uniform over the part of the box inside the image, weighted by the coverage
    of each pixel. Nothing is blurred, because the blur of points, 13 of 256 pixels, extends over
    neighbouring buttons. The released code's offset is added, so that a mean of boxes is never
    zero. KLD has no epsilon. The outlines of elements of simulated data are also used as boxes.

    Args:
        size: (height, width) of the comparison.
    """

    def __init__(self, size: tuple[int, int] = (256, 256)) -> None:
        super().__init__(size)
        self.name = 'buttons'

    def rows(self, samples: Sequence[Sample]) -> tuple[ProtocolRow, ...]:
        """Return rows in the order of samples, and of the first occurrence of each action.

        Raises:
            DatasetError: a sample has no boxes.
        """
        for sample in samples:
            if sample.scene is None:
                raise DatasetError(
                    f'the protocol buttons needs boxes of buttons, and {sample.sample_id} has '
                    "none; give AssistQ's or simulated annotations, or another protocol"
                )
        return super().rows(samples)

    def targets(self, rows: Sequence[ProtocolRow]) -> Heatmaps:
        """Draw the demonstrated boxes, float32 [N, height, width], each summing to one."""
        return np.stack([self._target(row) for row in rows])

    def _target(self, row: ProtocolRow) -> Heatmaps:
        scene = row.scene
        assert scene is not None
        scale = np.divide(self.size[::-1], row.image_size)
        outline = (scene.polygons[scene.element] + 0.5) * scale
        covered = _coverage(outline, self.size)
        if not covered.any():
            # A box smaller than the grid becomes a point.
            x, y = np.clip((row.points[0] + 0.5) * scale, 0, np.subtract(self.size[::-1], 1))
            covered[int(y), int(x)] = 1
        covered += self._offset
        return np.asarray(covered / covered.sum(dtype=np.float64), np.float32)


def _coverage(outline: Polygon, size: tuple[int, int]) -> NDArray[np.float64]:
    """Compute the share of each pixel that an outline covers, [height, width] in 0..1.

    Args:
        outline: [K, 2] (x, y), where pixel i goes from i to i + 1.
        size: (height, width).
    """
    low = np.clip(np.floor(outline.min(0)), 0, size[::-1]).astype(int)
    high = np.clip(np.ceil(outline.max(0)), low, size[::-1]).astype(int)
    covered = np.zeros(size)
    width, height = high - low
    if width and height:
        x, y = (
            start + (np.arange(_FINENESS * length) + 0.5) / _FINENESS
            for start, length in zip(low, (width, height), strict=True)
        )
        positions = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
        fine = contained(outline, positions).reshape(height, _FINENESS, width, _FINENESS)
        covered[low[1] : high[1], low[0] : high[0]] = fine.mean((1, 3))
    return covered
