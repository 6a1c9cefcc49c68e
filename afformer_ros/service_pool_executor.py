# SPDX-License-Identifier: Apache-2.0
"""An executor that calls services in threads of their own, and the lock they give way by."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Any

from rclpy.context import Context
from rclpy.exceptions import InvalidHandle
from rclpy.executors import (
    ExternalShutdownException,
    ShutdownException,
    SingleThreadedExecutor,
    TimeoutException,
)
from rclpy.logging import get_logger
from rclpy.service import Service


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


# Seconds that a callback gives way to other work: enough for all that a result takes besides the
# model, and too few to be noticed in a callback.
_LONGEST_WAIT = 0.02


class ServicePoolExecutor(SingleThreadedExecutor):
    """Calls services in threads of their own, and everything else in the thread that spins.

    rclpy's MultiThreadedExecutor hands each image to another thread as well; at camera rate its
    threads then take Python's lock from each other, and from the model, for up to a second.

    A topic or a service may be removed while its callback runs, or before it begins: a cleanup
    does that. What a callback raises for that reason is no failure.

    Args:
        threads: services that may wait at once.
        context: of the nodes; None: the one that `rclpy.init` makes by default.
        right_of_way: what callbacks give way to; None: nothing.
    """

    def __init__(
        self,
        threads: int,
        context: Context | None = None,
        right_of_way: RightOfWay | None = None,
    ) -> None:
        super().__init__(context=context)
        self._right_of_way = right_of_way or RightOfWay()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix='service')
        self._called: list[tuple[Any, Future[Any]]] = []

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Wait for one callback and call it.

        Args:
            timeout_sec: seconds to wait at most; None waits without an end.
        """
        try:
            handler, entity, _ = self.wait_for_ready_callbacks(timeout_sec=timeout_sec)
        except (ExternalShutdownException, ShutdownException, TimeoutException):
            return
        except InvalidHandle:
            # A topic was removed while what is waited for was put together; the next try is
            # without it.
            return
        self._right_of_way.give(_LONGEST_WAIT)
        if isinstance(entity, Service):
            self._called.append((handler, self._pool.submit(handler)))
        else:
            handler()
            if not isinstance(handler.exception(), InvalidHandle):
                handler.result()
        for called in [each for each in self._called if each[1].done()]:
            self._called.remove(called)
            self._report(called[0].exception())

    def shutdown(self, timeout_sec: float | None = None) -> bool:
        """Stop; whether all that was called has ended within the timeout in seconds."""
        self._pool.shutdown(wait=False)
        running = wait([future for _, future in self._called], timeout_sec).not_done
        return super().shutdown(timeout_sec) and not running

    @staticmethod
    def _report(error: Exception | None) -> None:
        """Log what a service raised; the others are still to be answered."""
        if error is not None and not isinstance(error, InvalidHandle):
            get_logger('executor').error(
                f'a service could not be answered: {type(error).__name__}: {error}'
            )
