# SPDX-License-Identifier: Apache-2.0
"""The overlay of a grounding of a stream."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from afformer_core.drawing.overlay import (
    OverlayStyle,
    certainty_caption,
    draw_overlay,
    presence_caption,
)
from afformer_core.outputs.results import StreamedGrounding


def draw_grounding(
    image: NDArray[np.uint8], result: StreamedGrounding, opacity: float
) -> NDArray[np.uint8]:
    """Draw a result of a stream over its image.

    Args:
        image: uint8 RGB [H, W, 3].
        result: result for that image, with its surfaces in the frame of the camera.
        opacity: opacity of the heatmap at its maximum, 0 to 1.

    Returns:
        uint8 RGB [H, W, 3], a new array.
    """
    heatmap, peaks = result.grounding.heatmap, result.grounding.peaks
    if not result.found:
        return draw_overlay(
            image, heatmap, (), caption(result), opacity, style=OverlayStyle.ABSTAINED
        )
    distances = [
        None if surface.position is None else float(surface.position[2])
        for surface in result.surfaces
    ]
    style = OverlayStyle.HELD if result.held else OverlayStyle.CURRENT
    unsure = result.grounding.unsure
    return draw_overlay(
        image, heatmap, peaks, caption(result), opacity, distances, style, unsure=unsure
    )


def caption(result: StreamedGrounding) -> str:
    """Describe the result in one line."""
    if not result.found:
        return f'not found ({_shortage(result) or _presence(result)})'
    measures = _measures(result)
    answer = result.grounding.answer
    if result.held:
        held = f'held for {result.age:.1f} s ({measures})'
        return f'{answer}, {held}' if answer else held
    return f'{answer}, {measures}' if answer else measures


def _measures(result: StreamedGrounding) -> str:
    certainty = certainty_caption(result.grounding.certainty, result.grounding.certainty_threshold)
    return f'{_presence(result)}, {certainty}' if certainty else _presence(result)


def _presence(result: StreamedGrounding) -> str:
    return presence_caption(result.presence, result.confidence, result.feature_similarity)


def _shortage(result: StreamedGrounding) -> str:
    """Describe the score that is too low for a calibrated model to find anything; '' otherwise."""
    presence, threshold = result.presence, result.presence_threshold
    if presence is None or threshold is None:
        return ''
    if presence < threshold:
        return f'presence {presence:.2f}, at least {threshold:.2f} is needed'
    return f'presence {presence:.2f}, but continuity {result.continuity:.2f}'
