# SPDX-License-Identifier: Apache-2.0
"""Visible parts of a hand and of elements, as boxes, masks and points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from afformer_sim.bodies.hand import Capsule
from afformer_sim.cameras.sensor import distortion_maps
from afformer_sim.scene.demonstration import SimulatedDemonstration
from afformer_sim.scene.renderer import HAND, NOTHING, Renderer
from afformer_sim.scene.view import SceneView

# Capsules of the palm and the fingers; those of the arm follow.
HAND_CAPSULES = 16
_FEWEST_PIXELS = 6


@dataclass(frozen=True)
class Box:
    """Box of whole pixels, counted from 0; it includes its right column and bottom row."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def centre(self) -> np.ndarray:
        """Centre [2] (x, y) in pixels, pixel centres at integers."""
        return np.array([self.left + self.right, self.top + self.bottom]) / 2

    def reaches_border(self, size: tuple[int, int]) -> bool:
        """Check whether the box reaches the border of an image of (width, height) pixels."""
        last = size[0] - 1, size[1] - 1
        return 0 in (self.left, self.top) or self.right == last[0] or self.bottom == last[1]


def box_of(mask: np.ndarray) -> Box | None:
    """Return the bounding box of a mask, bool [H, W]; None for fewer than 6 pixels."""
    rows, columns = np.nonzero(mask)
    if len(rows) < _FEWEST_PIXELS:
        return None
    return Box(int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max()))


def hand_box(
    renderer: Renderer, demonstration: SimulatedDemonstration, time: float, hand: Sequence[Capsule]
) -> Box | None:
    """Return the box of the visible part of palm and fingers; None if they are hidden.

    Args:
        renderer: renderer of the scene.
        demonstration: the demonstration, whose camera and lens show the hand.
        time: time from 0 to 1.
        hand: the hand's capsules.
    """
    codes = _segment(renderer, demonstration, time, hand)
    return box_of((codes <= HAND) & (codes > HAND - HAND_CAPSULES))


def element_box(
    renderer: Renderer, demonstration: SimulatedDemonstration, time: float
) -> Box | None:
    """Return the box of the operated element at a time, ignoring the hand in front of it."""
    return box_of(_segment(renderer, demonstration, time, ()) == demonstration.element)


def elements_in_view(renderer: Renderer, view: SceneView) -> np.ndarray:
    """Return the index of the element that each pixel shows, or `NOTHING`: int16 [H, W]."""
    return _through_lens(renderer.segment(view.camera, view.size, states=view.states), view)


def points_seen(points: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Move points to the nearest pixels at which annotators see the element that they mark.

    Args:
        points: float64 [P, 2], (x, y) pixels, centres at integers.
        mask: bool [H, W], True for pixels of the visible element.

    Returns:
        float64 [P, 2]: points beside the mask move to its nearest inner pixel, if it has one; all
        points are unchanged if the element is not visible.
    """
    if not mask.any():
        return points
    # the border of the image is not a border of the element
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    rows, columns = np.nonzero(inner if inner.any() else mask)
    positions = np.column_stack([columns, rows]).astype(np.float64)
    moved = points.copy()
    for point in moved:
        column, row = np.round(point).astype(int)
        inside = 0 <= row < mask.shape[0] and 0 <= column < mask.shape[1]
        if not (inside and mask[row, column]):
            point[:] = positions[np.argmin(((positions - point) ** 2).sum(axis=1))]
    return np.asarray(moved)


def _segment(
    renderer: Renderer, demonstration: SimulatedDemonstration, time: float, hand: Sequence[Capsule]
) -> np.ndarray:
    codes = renderer.segment(
        demonstration.camera(time), demonstration.view.size, hand, demonstration.states(time)
    )
    return _through_lens(codes, demonstration.view)


def _through_lens(codes: np.ndarray, view: SceneView) -> np.ndarray:
    """Distort the codes of `Renderer.segment` with the sensor's lens: int16 [H, W]."""
    small = codes.astype(np.int16)
    if not view.sensor.distortion:
        return small
    maps = distortion_maps(view.size, view.sensor.distortion)
    return cv2.remap(
        small, *maps, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=NOTHING
    )
