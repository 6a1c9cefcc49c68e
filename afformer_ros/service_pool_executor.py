# SPDX-License-Identifier: Apache-2.0
"""An executor that calls services in separate threads, and yields to one with a lock."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from rclpy.context import Context
from rclpy.exceptions import InvalidHandle
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor, TimeoutException
from rclpy.logging import get_logger
from rclpy.node import Node
from rclpy.service import Service
from rclpy.task import Task

# Maximum seconds for which a callback yields to other work: enough for the work on a result
# besides the model, and too little to matter for a callback.
_LONGEST_WAIT = 0.02


class ServicePoolExecutor(SingleThreadedExecutor):
    """An executor that calls services in separate threads, and the rest in the spinning thread.

    rclpy's MultiThreadedExecutor also passes each image to another thread. At camera rate, its
    threads then take Python's lock from each other, and from the model, for up to a second. A
    topic or a service may be removed before or while its callback runs, for example by a cleanup;
    errors of the callback for that reason are ignored.

    Spinning itself is rclpy's: this class overrides only methods that rclpy documents for custom
    executors, and uses what they return as rclpy's MultiThreadedExecutor does.

    Args:
        threads: maximum number of services that run at once.
        context: context of the nodes; None for the default one of `rclpy.init`.
        priority_lock: lock to which callbacks yield for a few milliseconds. NumPy and OpenCV
            release Python's lock in every call, dozens of times for each image, and each time a
            waiting thread takes it for a whole callback. A thread that holds this lock meanwhile
            takes half of that time. None: callbacks do not yield.
    """

    def __init__(
        self,
        threads: int,
        context: Context | None = None,
        priority_lock: threading.Lock | None = None,
    ) -> None:
        super().__init__(context=context)
        self._priority_lock = priority_lock or threading.Lock()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix='service')
        self._called: dict[Task[None], Future[None]] = {}

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Wait for one callback and call it.

        Args:
            timeout_sec: maximum time to wait, in seconds; None: no limit.
        """
        try:
            super().spin_once(timeout_sec)
        except ExternalShutdownException:
            return
        except InvalidHandle:
            # A topic was removed while the wait set was being built, or while its callback ran;
            # the next wait set does not contain it.
            return

    def wait_for_ready_callbacks(
        self, *args: Any, **kwargs: Any
    ) -> tuple[Task[None], Any, Node | None]:
        """Wait for a callback that the spinning thread calls; pass a service to the pool.

        Raises:
            TimeoutException: no callback is ready within the timeout, or a service was.
        """
        handler, entity, node = super().wait_for_ready_callbacks(*args, **kwargs)
        if self._priority_lock.acquire(timeout=_LONGEST_WAIT):
            self._priority_lock.release()
        if not isinstance(entity, Service):
            return handler, entity, node
        # While a service waits for a free thread, rclpy returns it again.
        if handler not in self._called and not handler.done():
            self._called[handler] = called = self._pool.submit(handler)
            called.add_done_callback(lambda _: self._end(handler))
        raise TimeoutException

    def shutdown(self, timeout_sec: float | None = None) -> bool:
        """Stop; return whether all callbacks ended within the timeout in seconds."""
        self._pool.shutdown(wait=False)
        running = wait(list(self._called.values()), timeout_sec).not_done
        return super().shutdown(timeout_sec) and not running

    def _end(self, handler: Task[None]) -> None:
        """Log an error of a service, so that other services are still answered."""
        del self._called[handler]
        error = handler.exception()
        if error is not None and not isinstance(error, InvalidHandle):
            get_logger('executor').error(
                f'a service could not be answered: {type(error).__name__}: {error}'
            )
