# SPDX-License-Identifier: Apache-2.0
"""Reading ahead of a consumer, in another thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
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
    """
    pool, iterator = ThreadPoolExecutor(1), iter(items)
    try:
        ahead = deque(pool.submit(next, iterator, _End()) for _ in range(most))
        while not isinstance(item := ahead.popleft().result(), _End):
            ahead.append(pool.submit(next, iterator, _End()))
            yield item
    finally:
        pool.shutdown(cancel_futures=True)
        close = getattr(iterator, 'close', None)
        if close is not None:
            close()
