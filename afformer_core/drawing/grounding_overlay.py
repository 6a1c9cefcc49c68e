# SPDX-License-Identifier: Apache-2.0
"""The overlay of a result of a grounding stream."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from afformer_core.drawing.overlay import Look, draw_overlay
from afformer_core.stream.results import StreamedGrounding


def draw_grounding(
    image: NDArray[np.uint8], result: StreamedGrounding, opacity: float
) -> NDArray[np.uint8]:
    """Draw a result over its image.

    Args:
        image: uint8 RGB [H, W, 3].
        result: of that image, with its surfaces in the frame of the camera.
        opacity: of the heatmap where it is highest, 0 to 1.

    Returns:
        uint8 RGB [H, W, 3], a new array.
    """
    heatmap, peaks = result.grounding.heatmap, result.grounding.peaks
    if not result.found:
        return draw_overlay(image, heatmap, (), caption(result), opacity, look=Look.ABSTAINED)
    distances = [
        None if surface.position is None else float(surface.position[2])
        for surface in result.surfaces
    ]
    look = Look.HELD if result.held else Look.CURRENT
    return draw_overlay(image, heatmap, peaks, caption(result), opacity, distances, look)


def caption(result: StreamedGrounding) -> str:
    """One line that says what the result is."""
    evidence = f'confidence {result.confidence:.2f}, resemblance {result.resemblance:.2f}'
    if not result.found:
        return f'not found ({evidence})'
    answer = result.grounding.answer
    if result.held:
        held = f'held for {result.age:.1f} s ({evidence})'
        return f'{answer}, {held}' if answer else held
    return f'{answer}, {evidence}' if answer else evidence
