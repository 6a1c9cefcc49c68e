# SPDX-License-Identifier: Apache-2.0
"""Work shared by processes."""

from __future__ import annotations

import itertools
import math
import os
import time
from functools import partial

import psutil
import pytest

from afformer_core.errors import DatasetError
from afformer_core.parallel.workers import process_number, steps


def spawned() -> list[psutil.Process]:
    return [
        child for child in psutil.Process().children() if 'spawn_main' in ' '.join(child.cmdline())
    ]


@pytest.mark.parametrize('processes', [1, 2])
def test_all_steps_of_all_numbers_are_given(processes: int) -> None:
    work = partial(itertools.combinations, 'abcd')
    expected = [len(list(work(number))) for number in (1, 3, 2, 4)]
    assert len(list(steps(work, [1, 3, 2, 4], processes))) == sum(expected) == 15
    assert set(steps(work, [3], processes)) == set(work(3))
    assert spawned() == []


def test_an_error_ends_all_and_says_where_it_happened() -> None:
    with pytest.raises(ValueError, match='math domain error') as told:
        list(steps(partial(map, math.sqrt), [[4.0, 9.0], [-1.0], [4.0]], 2))
    assert 'in another process' in str(told.value.__cause__)
    assert spawned() == []


def test_giving_up_ends_the_others_at_once() -> None:
    work = partial(map, time.sleep)
    given = steps(work, [[0, 60], [0, 60]], 2)
    next(given)
    before = time.monotonic()
    given.close()
    assert time.monotonic() - before < 10
    assert spawned() == []


def test_a_process_that_is_killed_is_told() -> None:
    with pytest.raises(DatasetError, match='was killed, perhaps for lack of memory'):
        list(steps(partial(map, os._exit), [[1], [1]], 2))


def test_numbers_are_taken_when_they_are_needed() -> None:
    taken: list[int] = []

    def numbers():
        for number in range(10**6, 10**6 + 100):
            taken.append(number)
            yield number

    given = steps(partial(itertools.repeat, 7), numbers(), 2)
    assert [next(given) for _ in range(3)] == [7, 7, 7]
    given.close()
    assert taken == [10**6, 10**6 + 1]


def test_no_process_is_refused() -> None:
    with pytest.raises(ValueError, match='processes is 0; expected at least 1'):
        list(steps(partial(map, abs), [[1]], 0))


def test_each_process_knows_its_number() -> None:
    asked = '__import__("afformer_core.parallel.workers").parallel.workers.process_number()'
    work = partial(map, partial(eval, asked))
    assert sorted(steps(work, [[{}]] * 3, 3)) == [0, 1, 2]
    assert process_number() == 0
