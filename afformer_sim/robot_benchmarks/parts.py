# SPDX-License-Identifier: Apache-2.0
"""Operated parts of all benchmarks, by family."""

from __future__ import annotations

from collections.abc import Mapping

from afformer_sim.robot_benchmarks.kitchen import KITCHEN_PARTS
from afformer_sim.robot_benchmarks.meta_world import META_WORLD_PARTS
from afformer_sim.robot_benchmarks.operated_part import OperatedPart

BENCHMARK_PARTS: Mapping[str, OperatedPart] = {
    part.family: part for part in (*META_WORLD_PARTS, *KITCHEN_PARTS)
}


def benchmark_part(family: str) -> OperatedPart:
    """Return the part that is operated in a family.

    Raises:
        ValueError: the family is unknown.
    """
    if family not in BENCHMARK_PARTS:
        raise ValueError(f'family is {family!r}; expected one of {", ".join(BENCHMARK_PARTS)}')
    return BENCHMARK_PARTS[family]
