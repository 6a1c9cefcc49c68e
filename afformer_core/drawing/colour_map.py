# SPDX-License-Identifier: Apache-2.0
"""Colours for values between 0 and 1."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

_LEVELS = 256


@cache
def heat_colours() -> NDArray[np.uint8]:
    """Return the colours of heatmaps, uint8 RGB [256, 3], from the least to the greatest value.

    Inferno: equal steps of the value look like equal steps, brighter is always more, and people
    with any kind of colour blindness see the same order.
    """
    levels = np.arange(_LEVELS, dtype=np.uint8).reshape(1, _LEVELS)
    colours = cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[0, :, ::-1]
    return _constant(np.ascontiguousarray(colours))


@cache
def grey_colours() -> NDArray[np.uint8]:
    """Return greys, uint8 RGB [256, 3], for heatmaps of images in which nothing was found."""
    levels = np.arange(_LEVELS, dtype=np.uint8)
    return _constant(np.repeat(levels[:, None], 3, axis=1))


def _constant(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    colours.setflags(write=False)
    return colours
