# SPDX-License-Identifier: Apache-2.0
"""Synthetic images for golden outputs: a panel with three controls, and a hand that operates them.

On noise, a heatmap has many similar peaks, whose order depends on the last bit. On these drawings,
a working model finds one peak, as on the images of a robot. Differences are therefore those that a
user would notice.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from afformer_core.arrays import UInt8Array
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.matching.configuration import MatchingConfiguration

Colour = tuple[int, int, int]

# Drawn larger by this factor, for smooth edges.
_SHARPNESS = 4
_WALL, _OTHER_WALL = (96, 112, 104), (120, 110, 96)
_BUTTON, _KNOB = (-0.20, 0.05), (0.26, 0.05)
_BETWEEN = (0.10, 0.20)


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
    return np.stack([_Drawing.panel(size, _WALL, hand=hand) for hand in hands])


def golden_image(size: tuple[int, int]) -> UInt8Array:
    """Draw the same panel in another place, smaller, uint8 RGB [height, width, 3]."""
    return _Drawing.panel(size, _OTHER_WALL, (0.06, -0.05), 0.86)


@dataclass(frozen=True)
class _Drawing:
    """A canvas with the coordinates of the panel, in shares of the image's shorter side."""

    canvas: UInt8Array
    centre: tuple[float, float]
    unit: float

    @classmethod
    def panel(
        cls,
        size: tuple[int, int],
        wall: Colour,
        shift: tuple[float, float] = (0.0, 0.0),
        scale: float = 1.0,
        hand: tuple[float, float] | None = None,
    ) -> UInt8Array:
        height, width = (_SHARPNESS * side for side in size)
        shades = np.linspace(0.75, 1.25, height)[:, None, None] * np.array(wall)
        canvas = shades.repeat(width, axis=1).astype(np.uint8)
        centre = width * (0.5 + shift[0]), height * (0.5 + shift[1])
        drawing = cls(canvas, centre, scale * min(height, width))
        drawing._draw_panel()
        if hand is not None:
            drawing._draw_hand(*hand)
        resized = cv2.resize(canvas, size[::-1], interpolation=cv2.INTER_AREA)
        return np.asarray(resized, np.uint8)

    def _draw_panel(self) -> None:
        self._box((-0.38, -0.26), (0.38, 0.26), (205, 200, 190))
        self._box((-0.38, -0.26), (0.38, 0.26), (90, 88, 84), 0.008)
        self._box((-0.28, -0.20), (0.10, -0.15), (60, 70, 60))
        self._disc((-0.22, 0.02), 0.07, (70, 20, 20))
        self._disc((-0.22, 0.01), 0.06, (200, 40, 36))
        self._box((-0.05, -0.06), (0.07, 0.10), (30, 50, 110))
        self._box((-0.04, -0.05), (0.06, 0.08), (60, 100, 190))
        self._disc((0.24, 0.02), 0.085, (40, 40, 42))
        self._line((0.24, 0.02), (0.27, -0.05), (235, 235, 235), 0.014)

    def _draw_hand(self, x: float, y: float) -> None:
        """Draw a hand that comes from below and touches a position with a finger."""
        self._line((x, y), (x + 0.08, y + 0.16), (214, 160, 130), 0.06)
        axes = self._length(0.11), self._length(0.15)
        centre = self._pixel(x + 0.13, y + 0.26)
        cv2.ellipse(self.canvas, centre, axes, -25, 0, 360, (206, 150, 122), -1)
        self._line((x + 0.15, y + 0.30), (x + 0.22, y + 0.42), (198, 144, 116), 0.14)

    def _box(
        self,
        first: tuple[float, float],
        last: tuple[float, float],
        colour: Colour,
        border: float | None = None,
    ) -> None:
        thickness = -1 if border is None else self._length(border)
        cv2.rectangle(self.canvas, self._pixel(*first), self._pixel(*last), colour, thickness)

    def _disc(self, centre: tuple[float, float], radius: float, colour: Colour) -> None:
        cv2.circle(self.canvas, self._pixel(*centre), self._length(radius), colour, -1)

    def _line(
        self,
        first: tuple[float, float],
        last: tuple[float, float],
        colour: Colour,
        thickness: float,
    ) -> None:
        ends = self._pixel(*first), self._pixel(*last)
        cv2.line(self.canvas, *ends, colour, self._length(thickness))

    def _pixel(self, x: float, y: float) -> tuple[int, int]:
        return round(self.centre[0] + self.unit * x), round(self.centre[1] + self.unit * y)

    def _length(self, share: float) -> int:
        return max(1, round(self.unit * share))
