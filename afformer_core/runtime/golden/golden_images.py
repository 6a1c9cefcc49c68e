# SPDX-License-Identifier: Apache-2.0
"""Synthetic images for golden outputs: a panel with three controls, and a hand that operates them.

On noise, a heatmap has many similar peaks, whose order depends on the last bit. On these drawings,
a working model finds one peak, as on the images of a robot. Differences are therefore those that a
user would notice.
"""

from __future__ import annotations

import cv2
import numpy as np

from afformer_core.arrays import UInt8Array
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.matching.configuration import MatchingConfiguration

Colour = tuple[int, int, int]
Point = tuple[float, float]

# Drawn larger by this factor, for smooth edges.
_SHARPNESS = 4
_WALL, _OTHER_WALL = (96, 112, 104), (120, 110, 96)
_BUTTON, _KNOB = (-0.20, 0.05), (0.26, 0.05)
_BETWEEN = (0.10, 0.20)
# Corners, colour and width of the border, None for a filled box.
_BOXES: tuple[tuple[Point, Point, Colour, float | None], ...] = (
    ((-0.38, -0.26), (0.38, 0.26), (205, 200, 190), None),
    ((-0.38, -0.26), (0.38, 0.26), (90, 88, 84), 0.008),
    ((-0.28, -0.20), (0.10, -0.15), (60, 70, 60), None),
    ((-0.05, -0.06), (0.07, 0.10), (30, 50, 110), None),
    ((-0.04, -0.05), (0.06, 0.08), (60, 100, 190), None),
)
# Centre, radius and colour.
_DISCS: tuple[tuple[Point, float, Colour], ...] = (
    ((-0.22, 0.02), 0.07, (70, 20, 20)),
    ((-0.22, 0.01), 0.06, (200, 40, 36)),
    ((0.24, 0.02), 0.085, (40, 40, 42)),
)


def golden_size(configuration: AfformerConfiguration | MatchingConfiguration) -> tuple[int, int]:
    """Return (height, width) of images that test a network: its input size, or a camera's aspect.

    Args:
        configuration: configuration of the matching network, or of a model without one.
    """
    if not isinstance(configuration, MatchingConfiguration) or not configuration.long_sides:
        return configuration.input_size
    longest = configuration.long_sides[-1]
    return longest * 3 // 4, longest


def golden_frames(size: tuple[int, int]) -> UInt8Array:
    """Draw frames, uint8 RGB [4, height, width, 3]: no hand, at the button, between, at the knob.

    Args:
        size: (height, width).
    """
    hands = (None, _BUTTON, _BETWEEN, _KNOB)
    return np.stack([_panel(size, _WALL, hand=hand) for hand in hands])


def golden_image(size: tuple[int, int]) -> UInt8Array:
    """Draw the same panel in another place, smaller, uint8 RGB [height, width, 3]."""
    return _panel(size, _OTHER_WALL, (0.06, -0.05), 0.86)


def _panel(
    size: tuple[int, int],
    wall: Colour,
    shift: tuple[float, float] = (0.0, 0.0),
    scale: float = 1.0,
    hand: tuple[float, float] | None = None,
) -> UInt8Array:
    """Draw the panel, with coordinates in shares of the image's shorter side from its centre."""
    height, width = (_SHARPNESS * side for side in size)
    shades = np.linspace(0.75, 1.25, height)[:, None, None] * np.array(wall)
    canvas = shades.repeat(width, axis=1).astype(np.uint8)
    centre = width * (0.5 + shift[0]), height * (0.5 + shift[1])
    unit = scale * min(height, width)

    def pixel(x: float, y: float) -> tuple[int, int]:
        return round(centre[0] + unit * x), round(centre[1] + unit * y)

    def length(share: float) -> int:
        return max(1, round(unit * share))

    for first, last, colour, border in _BOXES:
        thickness = -1 if border is None else length(border)
        cv2.rectangle(canvas, pixel(*first), pixel(*last), colour, thickness)
    for middle, radius, colour in _DISCS:
        cv2.circle(canvas, pixel(*middle), length(radius), colour, -1)
    cv2.line(canvas, pixel(0.24, 0.02), pixel(0.27, -0.05), (235, 235, 235), length(0.014))
    if hand is not None:
        x, y = hand
        # It comes from below and touches the position with a finger.
        finger = pixel(x, y), pixel(x + 0.08, y + 0.16)
        cv2.line(canvas, *finger, (214, 160, 130), length(0.06))
        axes = length(0.11), length(0.15)
        middle_of_hand = pixel(x + 0.13, y + 0.26)
        cv2.ellipse(canvas, middle_of_hand, axes, -25, 0, 360, (206, 150, 122), -1)
        arm = pixel(x + 0.15, y + 0.30), pixel(x + 0.22, y + 0.42)
        cv2.line(canvas, *arm, (198, 144, 116), length(0.14))
    return np.asarray(cv2.resize(canvas, size[::-1], interpolation=cv2.INTER_AREA), np.uint8)
