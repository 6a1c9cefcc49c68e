# SPDX-License-Identifier: Apache-2.0
"""Visible parts of a hand and of elements, as boxes, masks and points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from afformer_core.sim.bodies.hand import Capsule
from afformer_core.sim.cameras.lens import distortion_maps
from afformer_core.sim.scene.demonstration import Demonstration
from afformer_core.sim.scene.renderer import HAND, NOTHING, Renderer
from afformer_core.sim.scene.view import View

# The palm's and the fingers' capsules; those of the arm come after them.
HAND_CAPSULES = 16
_FEWEST_PIXELS = 6


@dataclass(frozen=True)
class Box:
    """Whole pixels from 0 on: right and bottom are the last ones in it."""

    left: int
    top: int
    right: int
    bottom: int

    def __post_init__(self) -> None:
        if self.right < self.left or self.bottom < self.top:
            raise ValueError(f'a box ends before it begins: {self}')

    @property
    def centre(self) -> np.ndarray:
        """[2] (x, y) pixels, centres at integers."""
        return np.array([self.left + self.right, self.top + self.bottom]) / 2

    def touches_border(self, size: tuple[int, int]) -> bool:
        """Whether it reaches the first or last pixels of a picture of (width, height)."""
        last_column, last_row = size[0] - 1, size[1] - 1
        return (
            min(self.left, self.top) == 0 or self.right == last_column or self.bottom == last_row
        )


def box_of(mask: np.ndarray) -> Box | None:
    """The box of a mask's pixels, bool [H, W]; None where there are hardly any."""
    rows, columns = np.nonzero(mask)
    if len(rows) < _FEWEST_PIXELS:
        return None
    return Box(int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max()))


def hand_box(
    renderer: Renderer, plan: Demonstration, time: float, hand: Sequence[Capsule]
) -> Box | None:
    """The box of palm and fingers as far as they are seen; None where they are not.

    Args:
        renderer: of the scene.
        plan: the demonstration, whose camera sees it through its lens.
        time: from 0 to 1.
        hand: where the hand is.
    """
    codes = _segment(renderer, plan, time, hand)
    return box_of((codes <= HAND) & (codes > HAND - HAND_CAPSULES))


def element_box(renderer: Renderer, plan: Demonstration, time: float) -> Box | None:
    """The box of the operated element likewise, as if there were no hand before it."""
    return box_of(_segment(renderer, plan, time, ()) == plan.element)


def elements_in_view(renderer: Renderer, view: View) -> np.ndarray:
    """Index of the element that each pixel of a view shows, or `NOTHING`: int16 [H, W]."""
    return _through_lens(renderer.segment(view.camera, view.size, states=view.states), view)


def points_seen(points: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Pixels where annotators would mark points: those of a thing that they see.

    Args:
        points: float64 [P, 2], (x, y) pixels, centres at integers.
        mask: bool [H, W], where the thing is seen.

    Returns:
        float64 [P, 2]: points beside the mask go to its nearest pixel, by preference one that is
        not at its border; all stay where nothing of it is seen.
    """
    if not mask.any():
        return points
    # A picture's border is none of the thing's.
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    rows, columns = np.nonzero(inner if inner.any() else mask)
    places = np.column_stack([columns, rows]).astype(np.float64)
    moved = points.copy()
    for point in moved:
        column, row = np.round(point).astype(int)
        inside = 0 <= row < mask.shape[0] and 0 <= column < mask.shape[1]
        if not (inside and mask[row, column]):
            point[:] = places[np.argmin(((places - point) ** 2).sum(axis=1))]
    return moved


def _segment(
    renderer: Renderer, plan: Demonstration, time: float, hand: Sequence[Capsule]
) -> np.ndarray:
    codes = renderer.segment(plan.camera(time), plan.view.size, hand, plan.states(time))
    return _through_lens(codes, plan.view)


def _through_lens(codes: np.ndarray, view: View) -> np.ndarray:
    """`Renderer.segment` as the sensor's lens shows it: int16 [H, W]."""
    small = codes.astype(np.int16)
    if not view.sensor.distortion:
        return small
    maps = distortion_maps(view.size, view.sensor.distortion)
    return cv2.remap(
        small, *maps, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=NOTHING
    )
