# SPDX-License-Identifier: Apache-2.0
"""Overlay of a grounding, of one image alone or of a stream."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from afformer_core.drawing.overlay import Style, draw_overlay
from afformer_core.outputs.results import StreamedGrounding
from afformer_core.runtime import Grounding


def draw_single_grounding(
    image: NDArray[np.uint8], grounding: Grounding, opacity: float
) -> NDArray[np.uint8]:
    """Draw a grounding over its image, whatever its presence.

    Args:
        image: uint8 RGB [H, W, 3].
        grounding: grounding of that image.
        opacity: opacity of the heatmap at its maximum, 0 to 1.

    Returns:
        uint8 RGB [H, W, 3], a new array.
    """
    measures = _measures(grounding)
    text = f'{grounding.answer}, {measures}' if grounding.answer else measures
    return draw_overlay(
        image, grounding.heatmap, grounding.peaks, text, opacity, unsure=grounding.unsure
    )


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
        return draw_overlay(image, heatmap, (), caption(result), opacity, style=Style.ABSTAINED)
    distances = [
        None if surface.position is None else float(surface.position[2])
        for surface in result.surfaces
    ]
    style = Style.HELD if result.held else Style.CURRENT
    unsure = result.grounding.unsure
    return draw_overlay(image, heatmap, peaks, caption(result), opacity, distances, style, unsure)


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


def _measures(result: Grounding | StreamedGrounding) -> str:
    grounding = result if isinstance(result, Grounding) else result.grounding
    certainty, threshold = grounding.certainty, grounding.certainty_threshold
    presence = _presence(result)
    if certainty is None:
        return presence
    if threshold is not None and grounding.unsure:
        return f'{presence}, not sure which part: certainty {certainty:.2f} of {threshold:.2f}'
    return f'{presence}, certainty {certainty:.2f}'


def _presence(result: Grounding | StreamedGrounding) -> str:
    if result.presence is not None:
        return f'presence {result.presence:.2f}'
    return (
        f'confidence {result.confidence:.2f}, feature similarity {result.feature_similarity:.2f}'
    )


def _shortage(result: StreamedGrounding) -> str:
    """Describe what a calibrated model lacks to find anything; '' for another model."""
    presence, threshold = result.presence, result.presence_threshold
    if presence is None or threshold is None:
        return ''
    if presence < threshold:
        return f'presence {presence:.2f}, at least {threshold:.2f} is needed'
    return f'presence {presence:.2f}, but continuity {result.continuity:.2f}'
