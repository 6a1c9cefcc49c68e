# SPDX-License-Identifier: Apache-2.0
"""Evaluation protocols: rows, their ground truth, and the size of comparison."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.offline.data.heatmaps import RELEASED_OFFSET, pad_points, target_heatmaps
from afformer_core.offline.data.polygon_mask import PolygonMask
from afformer_core.offline.data.sample import KnownElements, Sample

Heatmaps = NDArray[np.float32]


@dataclass(frozen=True)
class ProtocolRow:
    """One comparison of a prediction with a ground truth.

    Attributes:
        action: 0-based.
        group: unit that is not split between folds and is resampled as a whole in a bootstrap: the
            scene of simulated data, or else the image.
        points: float64 [P, 2] (x, y) in pixels of `image_size`.
        image_size: (width, height).
        image: name of the image.
        sample: its sample; None if it has several.
    """

    action: int
    group: str
    points: NDArray[np.float64]
    image_size: tuple[int, int]
    image: str = ''
    sample: Sample | None = None

    @property
    def scene(self) -> KnownElements | None:
        """The elements in its image, if they are known."""
        return None if self.sample is None else self.sample.scene

    @property
    def mask(self) -> PolygonMask | None:
        """The region of its image in which the action is right, if it is known."""
        return None if self.sample is None else self.sample.masks_by_action.get(self.action)


class EvaluationProtocol(Protocol):
    """A named protocol: rows, targets, and the size of comparison.

    Attributes:
        name: name of the protocol.
        size: (height, width) at which predictions are compared.
        epsilon: epsilon in KLD.
        at_model_size: whether a heatmap is resampled from the model's size instead of the image's
            size.
    """

    name: str
    size: tuple[int, int]
    epsilon: float
    at_model_size: bool

    def rows(self, samples: Sequence[Sample]) -> tuple[ProtocolRow, ...]:
        """Return the rows of a dataset."""

    def targets(self, rows: Sequence[ProtocolRow]) -> Heatmaps:
        """Compute the ground truths [N, height, width] of rows, each summing to one."""

    def prediction(self, heatmap: Heatmaps) -> Heatmaps:
        """Convert a predicted heatmap of any size to the compared form, [height, width]."""


class RowsProtocol:
    """One row per (sample, action), like the released code.

    The points of an action that a sample names twice are pooled. KLD has no epsilon.

    Args:
        size: (height, width) of the comparison; 256x256 in the released code.
        offset: added to the map of points before it is blurred.
    """

    epsilon = 0.0
    at_model_size = False

    def __init__(
        self, size: tuple[int, int] = (256, 256), offset: float = RELEASED_OFFSET
    ) -> None:
        self.size = size
        self._offset = offset
        sides = f'{size[1]}' if size[0] == size[1] else f'{size[1]}x{size[0]}'
        exponent = round(-math.log10(offset))
        self.name = f'rows{sides}' + ('' if offset == RELEASED_OFFSET else f'-1e{exponent}')

    def rows(self, samples: Sequence[Sample]) -> tuple[ProtocolRow, ...]:
        """Return rows in the order of samples, and of the first occurrence of each action."""
        return tuple(
            ProtocolRow(
                action,
                sample.group,
                points,
                sample.image_size,
                str(sample.image_path),
                sample,
            )
            for sample in samples
            for action, points in sample.points_by_action.items()
        )

    def targets(self, rows: Sequence[ProtocolRow]) -> Heatmaps:
        """Blur points to float32 [N, height, width]."""
        height, width = self.size
        scaled = [row.points * np.divide((width, height), row.image_size) for row in rows]
        padded = pad_points(scaled)
        heatmaps: Heatmaps = target_heatmaps(padded, self.size, self._offset).numpy()
        return heatmaps

    def prediction(self, heatmap: Heatmaps) -> Heatmaps:
        """Resample the heatmap bilinearly and divide it by its sum."""
        height, width = self.size
        resized = heatmap
        if heatmap.shape != self.size:
            enlarges = height >= heatmap.shape[0] and width >= heatmap.shape[1]
            interpolation = cv2.INTER_LINEAR if enlarges else cv2.INTER_AREA
            resized = np.asarray(cv2.resize(heatmap, (width, height), interpolation=interpolation))
        return np.asarray(resized / resized.sum(dtype=np.float64), np.float32)


Predictor = Callable[[int, ProtocolRow], Heatmaps]
