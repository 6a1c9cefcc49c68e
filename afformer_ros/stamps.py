# SPDX-License-Identifier: Apache-2.0
"""Stamps of messages as numbers; unlike rclpy's Time they may be negative, as messages allow."""

from __future__ import annotations

from builtin_interfaces.msg import Time
from rclpy.node import Node

# Seconds between two stamps, or from a stamp to its arrival, that only differing clocks explain.
ANOTHER_CLOCK = 100.0


def stamp_nanoseconds(stamp: Time) -> int:
    """Convert a stamp to nanoseconds since the epoch of its clock."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def stamp_age(node: Node, stamp: Time) -> float:
    """Compute the seconds since a stamp by the clock of a node; negative for a future stamp."""
    return float((node.get_clock().now().nanoseconds - stamp_nanoseconds(stamp)) * 1e-9)
