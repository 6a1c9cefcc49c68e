# SPDX-License-Identifier: Apache-2.0
"""Items that another thread takes ahead of their consumer."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from afformer_core.media.read_ahead import read_ahead


class Counted:
    """Numbers from 0 on, with what happens to them."""

    def __init__(self, count: int, error: Exception | None = None) -> None:
        self._count = count
        self._error = error
        self.threads: set[int] = set()
        self.taken = threading.Semaphore(0)
        self.number = 0
        self.closed = False

    def __iter__(self) -> Iterator[int]:
        try:
            for number in range(self._count):
                self.threads.add(threading.get_ident())
                self.number += 1
                self.taken.release()
                yield number
            if self._error is not None:
                raise self._error
        finally:
            self.closed = True


def test_items_come_in_their_order_from_another_thread() -> None:
    items = Counted(100)

    assert list(read_ahead(items, 3)) == list(range(100))
    assert len(items.threads) == 1
    assert threading.get_ident() not in items.threads


def test_items_are_taken_before_they_are_asked_for_but_no_more_than_that() -> None:
    items = Counted(100)
    ahead = read_ahead(items, 4)

    assert next(ahead) == 0
    for _ in range(5):
        assert items.taken.acquire(timeout=10)
    assert not items.taken.acquire(timeout=0.1)
    assert items.number == 5


def test_an_error_comes_after_the_items_before_it() -> None:
    ahead = read_ahead(Counted(2, RuntimeError('damaged')), 8)

    assert [next(ahead), next(ahead)] == [0, 1]
    with pytest.raises(RuntimeError, match='damaged'):
        next(ahead)


def test_a_consumer_that_stops_closes_the_items() -> None:
    before = threading.active_count()
    items = Counted(100)
    ahead = read_ahead(items, 2)
    next(ahead)

    ahead.close()

    assert items.closed
    assert items.number < 10
    assert threading.active_count() == before
