# SPDX-License-Identifier: Apache-2.0
"""Stamps of messages as numbers, which may be negative, unlike those of rclpy's Time."""

from __future__ import annotations

from typing import Any

# Seconds between two stamps, or from a stamp to its arrival, above which the clocks must differ.
ANOTHER_CLOCK = 100.0


def stamp_nanoseconds(stamp: Any) -> int:
    """Return the nanoseconds of a builtin_interfaces/Time since the epoch of its clock."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
