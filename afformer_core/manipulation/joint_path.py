# SPDX-License-Identifier: Apache-2.0
"""Paths of joints around obstacles, by rapidly exploring random trees (RRT-Connect)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from afformer_core.manipulation.clearance import ArmClearance

JointPath = list[NDArray[np.float64]]
"""Joint positions [N] in order, radians."""

# Number of random positions, and radians by which a tree grows towards one.
_SAMPLES, _GROWTH = 600, 0.5


def free_path(
    clearance: ArmClearance, begin: NDArray[np.float64], end: NDArray[np.float64]
) -> JointPath | None:
    """Find a path of straight motions between joint positions on which the arm is clear.

    Equal arguments give equal paths.

    Args:
        clearance: what the arm must not touch.
        begin, end: joint positions [N], radians.

    Returns:
        the positions after the first ones, of which `end` is the last; None if none is found.
    """
    if clearance.is_free_motion(begin, end):
        return [end]
    if not clearance.is_free(end):
        return None
    rng = np.random.default_rng(0)
    low, high = clearance.ranges.T
    grown, other = _Tree(clearance, begin), _Tree(clearance, end)
    for number in range(_SAMPLES):
        sample = rng.uniform(np.minimum(low, begin), np.maximum(high, begin))
        if grown.grow(sample):
            met = grown.nodes[-1]
            while other.grow(met):
                if np.array_equal(other.nodes[-1], met):
                    first, last = (grown, other) if number % 2 == 0 else (other, grown)
                    return _shortened(clearance, first.branch()[::-1] + last.branch()[1:])
        grown, other = other, grown
    return None


class _Tree:
    """Joint positions that are reached from the first ones by straight motions."""

    def __init__(self, clearance: ArmClearance, root: NDArray[np.float64]) -> None:
        self._clearance = clearance
        self.nodes = [root]
        self._parents = [0]

    def grow(self, target: NDArray[np.float64]) -> bool:
        """Add a position towards a target, or the target itself; return whether it is clear."""
        ways = target - np.array(self.nodes)
        lengths = np.linalg.norm(ways, axis=1)
        nearest = int(lengths.argmin())
        near = self.nodes[nearest]
        if lengths[nearest] > _GROWTH:
            target = near + _GROWTH / lengths[nearest] * ways[nearest]
        if not self._clearance.is_free_motion(near, target):
            return False
        self.nodes.append(target)
        self._parents.append(nearest)
        return True

    def branch(self) -> JointPath:
        """Return the newest position, and those through which it is reached, back to the first."""
        found, index = [self.nodes[-1]], len(self.nodes) - 1
        while index:
            index = self._parents[index]
            found.append(self.nodes[index])
        return found


def _shortened(clearance: ArmClearance, path: Sequence[NDArray[np.float64]]) -> JointPath:
    """Leave out positions between which the straight motion is clear; and the first one."""
    kept, at = [], 0
    while at < len(path) - 1:
        later = range(len(path) - 1, at, -1)
        at = next(
            index
            for index in later
            if index == at + 1 or clearance.is_free_motion(path[at], path[index])
        )
        kept.append(path[at])
    return kept
