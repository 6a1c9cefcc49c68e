# SPDX-License-Identifier: Apache-2.0
"""Detection of missing messages by the sequence numbers of a publisher."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

# Value of rmw for middleware without sequence numbers.
_UNNUMBERED = 2**64 - 1
# Maximum number of remembered publishers.
_CAPACITY = 16


class SequenceGaps:
    """A counter of missing sequence numbers for each publisher.

    If a full queue drops a message, reliable or not, no event reports it. Humble provides no
    sequence numbers. Jazzy does not identify their publisher, which is unambiguous as long as
    there is only one.

    Args:
        only_publisher: function that identifies the publisher if there is one alone; None:
            there are several, or none.
    """

    def __init__(self, only_publisher: Callable[[], bytes | None]) -> None:
        self._only_publisher = only_publisher
        self._known: bytes | None = None
        self._last: dict[bytes, int] = {}

    def arrived(self, info: Mapping[str, Any] | None) -> int:
        """Return the number of missing messages before one that has arrived.

        Args:
            info: message info of rclpy; None: not available.
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
        """Reset the numbers, because messages before the next one were not requested."""
        self._last.clear()

    def _publisher(self, info: Mapping[str, Any], number: int) -> bytes | None:
        gid = info.get('publisher_gid')
        if gid is not None:
            return bytes(gid['data'])
        if self._known is None or self._last.get(self._known) != number - 1:
            # The query is slow, and without a missing number the publisher is unchanged.
            self._known = self._only_publisher()
        return self._known
