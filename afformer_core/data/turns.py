# SPDX-License-Identifier: Apache-2.0
"""Random choices that are balanced over groups."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Sequence

import numpy as np


def in_turn(groups: Sequence[Hashable], count: int, seed: int) -> list[int]:
    """Draw random indices, one from each group before the second from any.

    Args:
        groups: group of each item.
        count: largest number of indices.
        seed: seed of the draws.

    Returns:
        increasing indices, `count` of them if there are as many.
    """
    waiting: dict[Hashable, deque[int]] = {}
    for index in np.random.default_rng(seed).permutation(len(groups)).tolist():
        waiting.setdefault(groups[index], deque()).append(index)
    turns = deque(waiting.values())
    chosen: list[int] = []
    while turns and len(chosen) < count:
        group = turns.popleft()
        chosen.append(group.popleft())
        if group:
            turns.append(group)
    return sorted(chosen)
