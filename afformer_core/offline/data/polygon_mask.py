# SPDX-License-Identifier: Apache-2.0
"""Masks of target images as outlines: the regions in which an action is right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.media.polygons import Polygon, contained, edge_distances

# Average number of points that represent a mask: their heatmap differs from that of all pixels of
# the mask by up to 5 percent of its sum.
_POINTS = 128
# Number of points across an image that a mask fills. Their distance is close to the deviation of
# the blur of `target_heatmaps`, 5 percent of a side, so the grid is not visible.
_ACROSS = 16
_HALVINGS = 8


@dataclass(frozen=True)
class PolygonMask:
    """A region of an image: the pixels that are in more outlines than holes.

    Attributes:
        outlines: outlines, at least one, float64 [K, 2] (x, y) pixels with K of at least 3, where
            the first pixel's centre is (0, 0); they may overlap, and reach outside the image.
        holes: outlines of the areas that are cut out of them.

    Raises:
        ValueError: there is no outline, or one has a wrong shape or is not finite.
    """

    outlines: tuple[Polygon, ...]
    holes: tuple[Polygon, ...] = ()

    def __post_init__(self) -> None:
        if not self.outlines:
            raise ValueError('a mask has no outline; expected at least one')
        for outline in (*self.outlines, *self.holes):
            if outline.ndim != 2 or outline.shape[1] != 2 or len(outline) < 3:
                raise ValueError(
                    f'the shape of an outline is {outline.shape}; expected [K, 2] with at least 3 '
                    'corners'
                )
            if not np.isfinite(outline).all():
                raise ValueError('a corner is not finite; expected finite (x, y)')

    @classmethod
    def of_boxes(cls, boxes: NDArray[np.float64]) -> PolygonMask:
        """Build the mask of boxes, [N, 4] of (left, top, right, bottom).

        Raises:
            ValueError: a box has no area, or there is none.
        """
        for left, top, right, bottom in boxes:
            if not (left < right and top < bottom):
                raise ValueError(
                    f'a box goes from ({left:g}, {top:g}) to ({right:g}, {bottom:g}); expected '
                    'left < right and top < bottom'
                )
        corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
        return cls(tuple(corners))

    @classmethod
    def of_pixels(cls, pixels: NDArray[np.bool_]) -> PolygonMask:
        """Trace a mask bool [H, W]; the same centres of pixels are inside.

        Raises:
            ValueError: no pixel is set.
        """
        rows, columns = (np.flatnonzero(pixels.any(axis=axis)) for axis in (1, 0))
        if not len(rows):
            raise ValueError('no pixel of the mask is set; expected at least one')
        part = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        # At twice the size, borders run between the centres of pixels.
        twice = part.astype(np.uint8).repeat(2, axis=0).repeat(2, axis=1)
        contours, hierarchy = cv2.findContours(twice, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        corner = np.array((columns[0], rows[0]), np.float64)
        traced = [corner + (contour[:, 0].astype(np.float64) - 0.5) / 2 for contour in contours]
        parents = hierarchy[0, :, 3]
        return cls(
            tuple(contour for contour, parent in zip(traced, parents, strict=True) if parent < 0),
            tuple(contour for contour, parent in zip(traced, parents, strict=True) if parent >= 0),
        )

    def contains(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Check which points [N, 2] lie inside; bool [N]."""
        depth = np.zeros(len(points), int)
        for outline in self.outlines:
            depth += contained(outline, points)
        for hole in self.holes:
            depth -= contained(hole, points)
        return np.asarray(depth > 0)

    def distances(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute the distances in pixels from points [N, 2] to the mask, [N]; 0 inside."""
        edges = [edge_distances(outline, points) for outline in (*self.outlines, *self.holes)]
        return np.where(self.contains(points), 0.0, np.min(edges, axis=0))

    @cached_property
    def _box(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        corners = np.concatenate(self.outlines)
        return corners.min(0), corners.max(0)

    def even_points(self, size: tuple[int, int]) -> NDArray[np.float64]:
        """Spread points evenly over the mask, whose blurred heatmap is that of the mask.

        Args:
            size: (width, height) of the image.

        Returns:
            float64 [P, 2], mostly 64 to 256 points inside the image and the mask.

        Raises:
            ValueError: no part of the mask lies in the image.
        """
        low = np.maximum(self._box[0], -0.5)
        high = np.minimum(self._box[1], np.array(size) - 0.5)
        if (low > high).any():
            begin, end = (coordinate.round(1).tolist() for coordinate in self._box)
            raise ValueError(
                f'a mask from {begin} to {end} lies outside of the image of {size[0]}x{size[1]}'
            )
        step = np.array(size) / _ACROSS
        points = self._grid(low, high, step)
        for _ in range(_HALVINGS):
            if len(points) >= _POINTS / 2:
                break
            step = step * (max(0.5, math.sqrt(len(points) / _POINTS)))
            points = self._grid(low, high, step)
        # A mask without area has no grid.
        return points if len(points) else np.clip(self.outlines[0][:1], low, high)

    def _grid(
        self, low: NDArray[np.float64], high: NDArray[np.float64], step: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        counts = np.maximum(1, np.ceil((high - low) / step)).astype(int)
        x, y = (
            begin + (np.arange(count) + 0.5) * (end - begin) / count
            for begin, end, count in zip(low, high, counts.tolist(), strict=True)
        )
        points = np.stack(np.meshgrid(x, y), axis=2).reshape(-1, 2)
        return points[self.contains(points)]


def union(masks: Sequence[PolygonMask]) -> PolygonMask:
    """Join masks of one image, at least one; a hole remains if a single mask covers it."""
    return PolygonMask(
        tuple(outline for mask in masks for outline in mask.outlines),
        tuple(hole for mask in masks for hole in mask.holes),
    )
