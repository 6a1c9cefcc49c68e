# SPDX-License-Identifier: Apache-2.0
"""Descriptions of measures of groundings."""

from __future__ import annotations


def presence_caption(presence: float | None, confidence: float, similarity: float) -> str:
    """Describe a presence, 0 to 1, or its features if it is None.

    Args:
        presence: presence; None for a model that is not calibrated.
        confidence: confidence, 0 to 1.
        similarity: feature similarity, -1 to 1.
    """
    if presence is not None:
        return f'presence {presence:.2f}'
    return f'confidence {confidence:.2f}, feature similarity {similarity:.2f}'


def certainty_caption(certainty: float | None, threshold: float | None) -> str:
    """Describe a certainty, 0 to 1, compared with its threshold; empty if it is None."""
    if certainty is None:
        return ''
    if threshold is not None and certainty < threshold:
        return f'not sure which part: certainty {certainty:.2f} of {threshold:.2f}'
    return f'certainty {certainty:.2f}'
