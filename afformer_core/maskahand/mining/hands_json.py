# SPDX-License-Identifier: Apache-2.0
"""Hands as JSON types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from afformer_core.hands.hand import Hand


def hands_to_json(hands: Mapping[int, Sequence[Hand]]) -> dict[str, Any]:
    """Convert hands by the number of their frame to JSON types."""
    return {
        str(number): [
            [*hand.box, hand.contact, hand.score, *(hand.contact_point or ())]
            for hand in hands[number]
        ]
        for number in sorted(hands)
    }


def hands_from_json(fields: Mapping[str, Any]) -> dict[int, tuple[Hand, ...]]:
    """Convert the result of `hands_to_json` back to hands.

    Raises:
        AttributeError, TypeError, ValueError: the content is invalid.
    """
    return {int(number): tuple(map(_hand, hands)) for number, hands in fields.items()}


def _hand(values: list[Any]) -> Hand:
    left, top, right, bottom, contact, score, *contact_point = values
    box = float(left), float(top), float(right), float(bottom)
    if not contact_point:
        return Hand(box, bool(contact), score)
    x, y = map(float, contact_point)
    return Hand(box, bool(contact), score, (x, y))
