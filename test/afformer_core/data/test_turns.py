# SPDX-License-Identifier: Apache-2.0
import pytest

from afformer_core.data.turns import in_turn


def test_each_group_has_its_turn_before_another_has_its_second() -> None:
    groups = ['a'] * 97 + ['b', 'c', 'c']
    chosen = in_turn(groups, 5, seed=3)
    assert sorted(groups[index] for index in chosen) == ['a', 'a', 'b', 'c', 'c']
    assert chosen == sorted(set(chosen))


@pytest.mark.parametrize(('count', 'drawn'), [(0, 0), (2, 2), (9, 4)])
def test_no_more_than_there_are(count: int, drawn: int) -> None:
    assert len(in_turn('aabb', count, seed=0)) == drawn


def test_another_seed_draws_others() -> None:
    groups = [0] * 50
    assert in_turn(groups, 5, seed=1) == in_turn(groups, 5, seed=1) != in_turn(groups, 5, seed=2)
