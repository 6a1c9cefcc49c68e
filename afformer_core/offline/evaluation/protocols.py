# SPDX-License-Identifier: Apache-2.0
"""Evaluation protocols of the published benchmarks: rows, ground truths, and compared sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import DatasetError
from afformer_core.media.polygons import Polygon, contained
from afformer_core.offline.data.heatmaps import (
    RELEASED_OFFSET,
    pad_points,
    summed_heatmaps,
    target_heatmaps,
)
from afformer_core.offline.data.polygon_mask import PolygonMask
from afformer_core.offline.data.sample import KnownElements, Sample

Heatmaps = NDArray[np.float32]

# Sides of the crop and of the comparison at 28x28, and of the kernel that blurs a prediction.
_CROP, _COMPARED, _BLUR = 224, 28, 5
# Maximum side in pixels; the tables for blurring a larger image would exhaust memory.
_LARGEST = 1024
# Number of sub-pixels along each side of a pixel when drawing the outline of a box.
_FINENESS = 4


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


Predictor = Callable[[int, ProtocolRow], Heatmaps]
"""Function from the index of a row, and the row, to a heatmap at the protocol's size."""


class RowsProtocol:
    """One row per (sample, action), like the released code.

    The points of an action that a sample names twice are pooled. KLD has no epsilon.

    Args:
        size: (height, width) of the comparison; 256x256 in the released code.

    Attributes:
        name: name of the protocol.
        epsilon: epsilon in KLD.
        at_model_size: whether a heatmap is resampled from the model's size instead of the image's
            size.
    """

    epsilon = 0.0
    at_model_size = False

    def __init__(self, size: tuple[int, int] = (256, 256)) -> None:
        self.size = size
        self.name = 'rows' + (f'{size[1]}' if size[0] == size[1] else f'{size[1]}x{size[0]}')

    def rows(self, samples: Sequence[Sample]) -> tuple[ProtocolRow, ...]:
        """Return rows in the order of samples, and of the first occurrence of each action."""
        return tuple(
            ProtocolRow(
                action, sample.group, points, sample.image_size, str(sample.image_path), sample
            )
            for sample in samples
            for action, points in sample.points_by_action.items()
        )

    def targets(self, rows: Sequence[ProtocolRow]) -> Heatmaps:
        """Blur points to float32 [N, height, width], each summing to one."""
        height, width = self.size
        scaled = [row.points * np.divide((width, height), row.image_size) for row in rows]
        padded = pad_points(scaled)
        heatmaps: Heatmaps = target_heatmaps(padded, self.size).numpy()
        return heatmaps

    def prediction(self, heatmap: Heatmaps) -> Heatmaps:
        """Resample a heatmap of any size bilinearly and divide it by its sum."""
        height, width = self.size
        resized = heatmap
        if heatmap.shape != self.size:
            enlarges = height >= heatmap.shape[0] and width >= heatmap.shape[1]
            interpolation = cv2.INTER_LINEAR if enlarges else cv2.INTER_AREA
            resized = np.asarray(cv2.resize(heatmap, (width, height), interpolation=interpolation))
        return np.asarray(resized / resized.sum(dtype=np.float64), np.float32)


class CoarseRowsProtocol(RowsProtocol):
    """One row per (sample, action), compared at 28x28 like earlier work (paper, section 5.2).

    Points that share a pixel add up. The ground truth is blurred at the size of the annotated
    image (256x256 in OPRA's release; the crop of an object in EPIC-Hotspot) and resampled
    bilinearly to 224x224 and then to 28x28. A prediction is resampled bilinearly from the model's
    size to 28x28, and blurred with a kernel of 5x5. KLD has an epsilon of 1e-12.
    """

    epsilon = 1e-12
    at_model_size = True

    def __init__(self) -> None:
        super().__init__((_COMPARED, _COMPARED))

    def targets(self, rows: Sequence[ProtocolRow]) -> Heatmaps:
        """Blur points to float32 [N, 28, 28]; uniform if no point lies inside the image."""
        return np.stack([_normalised(_downsampled(_blurred(row))) for row in rows])

    def prediction(self, heatmap: Heatmaps) -> Heatmaps:
        """Resample the heatmap to 28x28, blur it with a 5x5 kernel, and divide it by its sum."""
        resized = cv2.resize(heatmap, self.size[::-1], interpolation=cv2.INTER_LINEAR)
        return _normalised(np.asarray(cv2.GaussianBlur(resized, (_BLUR, _BLUR), 0)))


def _blurred(row: ProtocolRow) -> Heatmaps:
    """Blur the points of a row in its image, shrunk to sides of at most 1024 pixels."""
    scale = min(1.0, _LARGEST / max(row.image_size))
    width, height = (max(1, round(scale * side)) for side in row.image_size)
    points = row.points * np.divide((width, height), row.image_size)
    return summed_heatmaps(points, (height, width))


def _downsampled(heatmap: Heatmaps) -> Heatmaps:
    for side in (_CROP, _COMPARED):
        heatmap = np.asarray(cv2.resize(heatmap, (side, side), interpolation=cv2.INTER_LINEAR))
    return heatmap


def _normalised(heatmap: Heatmaps) -> Heatmaps:
    total = float(heatmap.sum(dtype=np.float64))
    if total == 0:
        return np.full(heatmap.shape, 1 / heatmap.size, np.float32)
    return np.asarray(heatmap / total, np.float32)


class PooledProtocol(CoarseRowsProtocol):
    """One row per (image, action) with the points of all annotators and clips (paper, Table 2)."""

    def __init__(self) -> None:
        super().__init__()
        self.name = 'pooled28'

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
        return tuple(
            ProtocolRow(
                action, first[image].group, np.concatenate(points), first[image].image_size, image
            )
            for (image, action), points in pooled.items()
        )


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
        covered += RELEASED_OFFSET
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


PROTOCOLS: dict[str, Callable[[], RowsProtocol]] = {
    'rows256': RowsProtocol,
    'rows28': CoarseRowsProtocol,
    'pooled28': PooledProtocol,
    'buttons': ButtonsProtocol,
}
