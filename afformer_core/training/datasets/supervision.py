# SPDX-License-Identifier: Apache-2.0
"""Target heatmaps of a batch, from annotated points or boxes of hands."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from typing_extensions import Self

from afformer_core.data.heatmaps import blurred_maps, target_heatmaps
from afformer_core.training.losses import Targets


class Supervision(ABC):
    """What a batch's images are known to show, as small tensors that travel with the batch."""

    @abstractmethod
    def targets(self, size: tuple[int, int]) -> Targets:
        """Targets of a size (height, width), made where the tensors are."""

    @abstractmethod
    def moved(self, move: Callable[[Tensor], Tensor]) -> Self:
        """The same with every tensor moved."""


@dataclass(frozen=True)
class Annotations(Supervision):
    """The points of a batch, a row for each image and action.

    Attributes:
        points: float64 [R, P, 2], (x, y) as shares of the image's width and height; NaN marks
            padding. An image without any point does not show what was demonstrated.
        actions: [R] indices.
        images: [R] index of the image in the batch.
        negative: whether there is an image that does not; None: found from the points, which then
            should be on the host.
    """

    points: Tensor
    actions: Tensor
    images: Tensor
    negative: bool | None = None

    def __post_init__(self) -> None:
        _find_negative(self, self.points)

    def targets(self, size: tuple[int, int]) -> Targets:
        """See `Supervision.targets`."""
        scale = self.points.new_tensor((size[1], size[0]))
        heatmaps = target_heatmaps(self.points * scale, size)
        # A row without any point has the uniform heatmap.
        return Targets(
            heatmaps, self.actions, self.images, _shown(self.points), bool(self.negative)
        )

    def moved(self, move: Callable[[Tensor], Tensor]) -> Annotations:
        """See `Supervision.moved`."""
        points, actions, images = (move(each) for each in (self.points, self.actions, self.images))
        return Annotations(points, actions, images, self.negative)


@dataclass(frozen=True)
class Boxes(Supervision):
    """Where hands interact in each image of a batch (paper, section 4.3).

    Attributes:
        corners: float32 [B, N, 4, 2], (x, y) of the corners of N boxes, clockwise as one sees
            them, as shares of the image's width and height; they may have been seen at a slant.
            NaN marks padding.
        negative: see `Annotations`; such an image has no box.
    """

    corners: Tensor
    negative: bool | None = None

    def __post_init__(self) -> None:
        _find_negative(self, self.corners)

    def targets(self, size: tuple[int, int]) -> Targets:
        """See `Supervision.targets`; all boxes of an image together are its blurred target."""
        scale = self.corners.new_tensor((size[1], size[0]))
        # Rather the largest than the sum: where two hands overlap is no likelier than elsewhere.
        inside = coverage(self.corners * scale, size).amax(dim=1)
        images = torch.arange(len(inside), device=inside.device)
        heatmaps, actions = blurred_maps(inside), torch.zeros_like(images)
        return Targets(heatmaps, actions, images, _shown(self.corners), bool(self.negative))

    def moved(self, move: Callable[[Tensor], Tensor]) -> Boxes:
        """See `Supervision.moved`."""
        return Boxes(move(self.corners), self.negative)


def _shown(places: Tensor) -> Tensor:
    """[R]: which rows of places [R, ...] are not all padding."""
    return ~places.isnan().flatten(1).all(dim=1)


def _find_negative(supervision: Annotations | Boxes, places: Tensor) -> None:
    if supervision.negative is None:
        object.__setattr__(supervision, 'negative', not bool(_shown(places).all()))


def coverage(corners: Tensor, size: tuple[int, int]) -> Tensor:
    """How much of each pixel lies in convex quadrilaterals, to within the rounding of corners.

    However small a quadrilateral is, some pixel has a share of it, if it reaches into the map.

    Args:
        corners: float32 [..., 4, 2] (x, y) in pixels, where a map of a width W reaches from 0 to
            W; clockwise as one sees them. NaN gives a map of zeros.
        size: (height, width) of the maps.

    Returns:
        float32 [..., height, width], 0 to 1.
    """
    x = torch.arange(size[1], device=corners.device, dtype=corners.dtype) + 0.5
    y = torch.arange(size[0], device=corners.device, dtype=corners.dtype)[:, None] + 0.5
    covered = corners.new_ones((*corners.shape[:-2], *size))
    for number in range(4):
        first, second = corners[..., number, :], corners[..., (number + 1) % 4, :]
        along = second - first
        # Of a pixel's extent across the edge, which is longest along the diagonal.
        inwards = along / along.abs().sum(dim=-1, keepdim=True)
        ahead, down = (inwards[..., axis, None, None] for axis in (0, 1))
        left, top = (first[..., axis, None, None] for axis in (0, 1))
        covered *= (0.5 + ahead * (y - top) - down * (x - left)).clamp(0, 1)
    return covered.nan_to_num(0.0)
