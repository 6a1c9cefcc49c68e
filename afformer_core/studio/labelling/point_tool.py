# SPDX-License-Identifier: Apache-2.0
"""Conversion of clicks to points: single points, or corners of a box or an outline."""

from __future__ import annotations

from enum import Enum

import numpy as np

from afformer_core.media.polygons import Point, spread_points

POINTS_OF_REGION = 10


class MarkingShape(Enum):
    """Shapes of points."""

    POINT = 'Points'
    BOX = 'Box'
    OUTLINE = 'Outline'


class PointTool:
    """The clicks on one image that are not yet points.

    A box has two opposite corners; an outline has three or more corners. Either is converted to
    ten evenly spread points.

    Attributes:
        corners: corners of the unfinished box or outline, (x, y) pixels.
    """

    def __init__(self) -> None:
        self.corners: list[Point] = []
        self._shape = MarkingShape.POINT

    @property
    def shape(self) -> MarkingShape:
        """The current shape; setting another one drops the corners."""
        return self._shape

    @shape.setter
    def shape(self, shape: MarkingShape) -> None:
        self._shape = shape
        self.corners = []

    def click(self, point: Point) -> list[Point]:
        """Add a click, and return the completed points.

        Raises:
            ValueError: it completes a box without area, which is dropped.
        """
        if self._shape is MarkingShape.POINT:
            return [point]
        self.corners.append(point)
        if self._shape is MarkingShape.BOX and len(self.corners) == 2:
            (left, top), (right, bottom) = self.corners
            self.corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
            return self.close()
        return []

    def close(self) -> list[Point]:
        """Close the outline, and return points spread over it; none without an outline.

        Raises:
            ValueError: the outline has fewer than three corners or no area, and is dropped.
        """
        corners, self.corners = self.corners, []
        if not corners:
            return []
        if len(corners) < 3:
            raise ValueError(
                f'the outline has {len(corners)} corners; expected at least 3. Draw it again'
            )
        spread = spread_points(np.array(corners, np.float64), POINTS_OF_REGION)
        return [(float(x), float(y)) for x, y in spread]

    def drop(self) -> None:
        """Drop the corners."""
        self.corners = []

    def take_back(self) -> bool:
        """Remove the last corner; return False if there is none."""
        return bool(self.corners) and bool(self.corners.pop())
