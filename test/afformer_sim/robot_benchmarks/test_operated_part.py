# SPDX-License-Identifier: Apache-2.0
"""Descriptions of parts refuse what cannot be."""

from dataclasses import replace

import pytest

from afformer_sim.robot_benchmarks.parts import BENCHMARK_PARTS, benchmark_part

BUTTON = BENCHMARK_PARTS['meta_world_button']


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'accepted_actions': ('touch',)}, "expected 'push' and others of"),
        ({'accepted_actions': ('push', 'kick')}, 'accepted_actions of meta_world_button are'),
        ({'scale': 0.0}, 'expected a positive scale'),
        ({'after': (0.2, 0.1)}, 'the lowest value first'),
        ({'upward': (0.0, 0.0, -1.0)}, 'expected directions apart'),
    ],
)
def test_a_part_that_cannot_be_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(BUTTON, **changes)


def test_an_unknown_family_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="family is 'doors'; expected one of meta_world_button"):
        benchmark_part('doors')
