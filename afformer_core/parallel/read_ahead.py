# SPDX-License-Identifier: Apache-2.0
"""Reading ahead of a consumer, in another thread."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from queue import SimpleQueue
from threading import Semaphore, Thread
from typing import Generic, TypeVar

Item = TypeVar('Item')


class _End(Generic[Item]):
    """The end of the items: none are left, or an error."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


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
    return _taken(items, most)


def _taken(items: Iterable[Item], most: int) -> Generator[Item, None, None]:
    room, waiting = Semaphore(most), SimpleQueue[Item | _End[Item]]()
    stopped = False

    def take() -> None:
        taken = iter(items)
        try:
            while room.acquire() and not stopped:
                waiting.put(next(taken))
        except StopIteration:
            waiting.put(_End())
        except BaseException as error:  # noqa: BLE001
            waiting.put(_End(error))
        finally:
            close = getattr(taken, 'close', None)
            if close is not None:
                close()

    thread = Thread(target=take, daemon=True)
    thread.start()
    try:
        while not isinstance(item := waiting.get(), _End):
            room.release()
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stopped = True
        room.release()
        thread.join()
