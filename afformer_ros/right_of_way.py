# SPDX-License-Identifier: Apache-2.0
"""Who goes first where two threads want Python's lock."""

from __future__ import annotations

import threading
from types import TracebackType


class RightOfWay:
    """Lets one thread finish a few milliseconds of work before another begins its own.

    NumPy and OpenCV let go of Python's lock in every call, dozens of times for an image, and each
    time a thread that waits for it takes it for a whole callback. Without a right of way, the
    messages that arrive while a result is made hold it up by as much as it takes itself.

    One thread has it within `with`; it may not enter again meanwhile.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.release()

    def give(self, timeout: float) -> bool:
        """Wait while another thread has it.

        Args:
            timeout: seconds to wait at most.

        Returns:
            whether nobody had it before the timeout.
        """
        if not self._lock.acquire(timeout=timeout):
            return False
        self._lock.release()
        return True
