# SPDX-License-Identifier: Apache-2.0
"""Hands as values of Parquet files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from afformer_core.hands.hand import Hand

HAND = pa.struct(
    [
        ('frame', pa.int32()),
        ('left', pa.float64()),
        ('top', pa.float64()),
        ('right', pa.float64()),
        ('bottom', pa.float64()),
        ('contact', pa.bool_()),
        ('score', pa.float64()),
        ('contact_x', pa.float64()),
        ('contact_y', pa.float64()),
    ]
)
"""A hand, with the number of its frame."""


def hand_row(frame: int, hand: Hand) -> dict[str, Any]:
    """Convert a hand of a frame to a value of `HAND`."""
    left, top, right, bottom = hand.box
    x, y = hand.contact_point or (None, None)
    return {
        'frame': frame,
        'left': left,
        'top': top,
        'right': right,
        'bottom': bottom,
        'contact': hand.contact,
        'score': hand.score,
        'contact_x': x,
        'contact_y': y,
    }


def hand_of_row(row: Mapping[str, Any]) -> Hand:
    """Convert a value of `HAND` to the hand."""
    box = (row['left'], row['top'], row['right'], row['bottom'])
    point = None if row['contact_x'] is None else (row['contact_x'], row['contact_y'])
    return Hand(box, row['contact'], row['score'], point)
