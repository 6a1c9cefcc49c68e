# SPDX-License-Identifier: Apache-2.0
"""Stamps of messages as numbers; unlike rclpy's Time they may be negative, as messages allow."""

from __future__ import annotations

from typing import Any

# Seconds between two stamps, or from a stamp to its arrival, that only two clocks explain.
ANOTHER_CLOCK = 100.0


def stamp_nanoseconds(stamp: Any) -> int:
    """Return the nanoseconds of a builtin_interfaces/Time since the epoch of its clock."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
