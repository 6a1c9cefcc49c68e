# SPDX-License-Identifier: Apache-2.0
"""Messages that are missing between those of a publisher that arrived, by their numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

# What rmw says of a middleware that does not number messages.
_UNNUMBERED = 2**64 - 1
# Publishers that are remembered.
_CAPACITY = 16


class SequenceGaps:
    """Counter of the numbers that are missing between the messages of each publisher.

    Where a full queue drops a message, reliable or not, no event tells of it. Humble tells no
    numbers, and Jazzy not whose they are, which is plain as long as there is one publisher.

    Args:
        only_publisher: function that identifies the publisher if there is one alone; None:
            there are several, or none.
    """

    def __init__(self, only_publisher: Callable[[], bytes | None]) -> None:
        self._only_publisher = only_publisher
        self._known: bytes | None = None
        self._last: dict[bytes, int] = {}

    def arrived(self, info: Mapping[str, Any] | None) -> int:
        """Return how many messages are missing before one that has arrived.

        Args:
            info: what rclpy tells of it; None: nothing.
        """
        number = (info or {}).get('publication_sequence_number')
        if info is None or number is None or number == _UNNUMBERED:
            return 0
        publisher = self._publisher(info, number)
        if publisher is None:
            return 0
        before: int = self._last.pop(publisher, number)
        # The last one is the newest.
        self._last[publisher] = number
        if len(self._last) > _CAPACITY:
            del self._last[next(iter(self._last))]
        return max(0, int(number) - before - 1)

    def begin_anew(self) -> None:
        """Forget the numbers, since what comes until the next message is not asked for."""
        self._last.clear()

    def _publisher(self, info: Mapping[str, Any], number: int) -> bytes | None:
        gid = info.get('publisher_gid')
        if gid is not None:
            return bytes(gid['data'])
        if self._known is None or self._last.get(self._known) != number - 1:
            # It takes a while to ask, and where no number is missing it is still the same one.
            self._known = self._only_publisher()
        return self._known
