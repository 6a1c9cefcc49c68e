# SPDX-License-Identifier: Apache-2.0
"""Handles at the side of vessels and over them."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from afformer_sim.bodies.pose import Pose
from afformer_sim.bodies.solid import Solid
from afformer_sim.families.parts.vessels import UP, Body, PartFinish, rod, slat


@dataclass(frozen=True)
class VesselHandle:
    """Handle of a vessel, and the straight bar of it that is grasped.

    Attributes:
        solids: all its solids.
        middle: [3] metres, middle of the bar.
        along: [3], unit vector along the bar.
        length, radius: size of the bar, metres.
    """

    solids: tuple[Solid, ...]
    middle: np.ndarray
    along: np.ndarray
    length: float
    radius: float

    def moved(self, pose: Pose) -> VesselHandle:
        """Return the handle in an outer frame, in which its own frame has `pose`."""
        solids = tuple(solid.moved(pose) for solid in self.solids)
        middle, along = pose.apply(self.middle), pose.direct(self.along)
        return VesselHandle(solids, middle, along, self.length, self.radius)


def ring_handle(
    body: Body,
    finish: PartFinish,
    shape: str,
    reach: float,
    levels: tuple[float, float],
    radius: float,
) -> VesselHandle:
    """Build a handle at a body's side, towards the user.

    Args:
        body: body of the vessel.
        finish: material of the handle.
        shape: `square`, `round` or `ear` (all of capsules), or `flat` (of boxes).
        reach: distance of the middle of the bar from the body, metres.
        levels: lowest and highest point of its middle line, metres.
        radius: radius of the bar, or half its thickness, metres.
    """
    low, high = levels
    middle, half = (low + high) / 2, (high - low) / 2
    inside = 0.004
    upper, lower = body.radius(high) - inside, body.radius(low) - inside
    out = max(body.radius(level) for level in np.linspace(low, high, 9)) + reach
    if shape == 'round':
        angles = np.radians([54, 18, -18, -54])
        scale = 1 / math.cos(math.radians(18))
        corners = [
            (out - reach * (1 - scale * math.cos(angle)), middle + half * math.sin(angle))
            for angle in angles
        ]
    elif shape == 'ear':
        corners = [(out, high), (out, middle - 0.3 * half), (0.4 * out + 0.6 * lower, low)]
    else:
        corners = [(out, high), (out, low)]
    line = [(upper, high), *corners, (lower, low)]
    points = [np.array([0, level, distance]) for distance, level in line]
    pairs = list(itertools.pairwise(points))
    if shape == 'flat':
        solids = tuple(slat(finish, *pair, (1.5 * radius, 0.7 * radius)) for pair in pairs)
    else:
        solids = tuple(rod(finish, *pair, radius) for pair in pairs)
    top, bottom = pairs[2 if shape == 'round' else 1]
    length = float(top[1] - bottom[1])
    return VesselHandle(solids, (top + bottom) / 2, UP, length, radius)


def arch_handle(
    finish: PartFinish, half: float, low: float, high: float, radius: float
) -> VesselHandle:
    """Build a handle over an object, along x, that starts and ends at the height `low`."""
    shoulder = 0.62 * half
    line = [(-half, low), (-0.92 * half, low + 0.7 * (high - low)), (-shoulder, high)]
    line += [(-x, y) for x, y in reversed(line)]
    points = [np.array([x, y, 0]) for x, y in line]
    pairs = itertools.pairwise(points)
    solids = [rod(finish, *pair, 0.7 * radius) for pair in pairs]
    solids[2] = rod(finish, points[2], points[3], radius)
    middle, along = np.array([0, high, 0]), np.array([1.0, 0, 0])
    return VesselHandle(tuple(solids), middle, along, 2 * shoulder, radius)
