# SPDX-License-Identifier: Apache-2.0
"""Reading ahead of a consumer, in another thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar('Item')


class _End:
    """What stands for an item after the last one."""


def read_ahead(items: Iterable[Item], most: int) -> Generator[Item, None, None]:
    """Yield items that another thread reads in advance while the consumer works.

    Items, order, and a final error are unchanged. If the consumer stops, or closes the generator,
    the thread stops after its current item.

    Args:
        items: an iterable, which only that thread reads.
        most: maximum number of items that wait for the consumer, at least 1.

    Raises:
        ValueError: `most` is below 1.
    """
    if most < 1:
        raise ValueError(f'most is {most}; expected at least 1')
    return _taken(iter(items), most)


def _taken(items: Iterator[Item], most: int) -> Generator[Item, None, None]:
    pool = ThreadPoolExecutor(1)
    try:
        ahead = deque(pool.submit(next, items, _End()) for _ in range(most))
        while not isinstance(item := ahead.popleft().result(), _End):
            ahead.append(pool.submit(next, items, _End()))
            yield item
    finally:
        pool.shutdown(cancel_futures=True)
        close = getattr(items, 'close', None)
        if close is not None:
            close()
