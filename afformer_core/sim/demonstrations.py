# SPDX-License-Identifier: Apache-2.0
"""Which demonstrations of a scene are shown."""

from __future__ import annotations

from collections import Counter

from afformer_core.sim.demonstration import Demonstration, choose_elements, plan_demonstration
from afformer_core.sim.scene import Scene


def plan_demonstrations(
    scene: Scene,
    count: int,
    longest_side: int,
    size: tuple[int, int] | None = None,
    performances: int = 1,
) -> list[Demonstration]:
    """Demonstrations of different elements, and again of the same ones where there are fewer.

    They have pictures of random aspects where there is no `size`; see `plan_demonstration`. The
    performances of one demonstration follow one another, and are of one action.
    """
    demonstrations: list[Demonstration] = []
    performed: Counter[int] = Counter()
    for element in choose_elements(scene, count):
        action = None
        for _ in range(performances):
            demonstration = plan_demonstration(
                scene, element, longest_side, size, action, performed[element]
            )
            demonstrations.append(demonstration)
            action = demonstration.action
            performed[element] += 1
    return demonstrations
