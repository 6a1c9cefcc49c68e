# SPDX-License-Identifier: Apache-2.0
"""The thread that owns the model: commands first, then recorded frames, then the newest image."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, Generic, TypeVar

Owned = TypeVar('Owned')
Result = TypeVar('Result')


class WorkerStoppedError(Exception):
    """Raised if the worker ended before it executed a command."""


class GroundingWorker(Generic[Owned]):
    """A worker that runs everything that uses the model in one thread.

    Commands are executed first, in order. Frames are recorded in order, from a bounded queue:
    `offer_frame` returns False when it is full. Only the newest image is kept until it can be
    grounded. All of them may be submitted before the thread starts.

    Args:
        can_ground: function that returns whether an image could be grounded now.
        failed: called with an uncaught exception of grounding or recording before the end.
        frame_capacity: maximum number of waiting frames.

    Attributes:
        loaded: future that is done when loading has finished, or has the error of loading.
    """

    def __init__(
        self,
        can_ground: Callable[[Owned], bool],
        failed: Callable[[Exception], None],
        frame_capacity: int,
    ) -> None:
        self._can_ground = can_ground
        self._failed = failed
        self._frame_capacity = frame_capacity
        self._wake = threading.Condition()
        self._commands: deque[Callable[[Owned], None]] = deque()
        self._recorded: deque[Callable[[Owned], None]] = deque()
        self._waiting: set[Future[Any]] = set()
        self._image: Callable[[Owned], None] | None = None
        self._grounding = False
        self._stopping = False
        self._ended: Exception = WorkerStoppedError('the node stops; configure it again')
        self.loaded: Future[None] = Future()
        self._thread: threading.Thread | None = None

    def start(self, load: Callable[[], Owned]) -> None:
        """Start the thread; call it once.

        Args:
            load: creates the object that the thread owns, in the thread.
        """
        self._thread = threading.Thread(
            target=self._run, args=(load,), name='grounding', daemon=True
        )
        self._thread.start()

    def loading_error(self, timeout: float) -> str:
        """Explain why loading failed; empty if it succeeded or is still running.

        Args:
            timeout: maximum time to wait for it, in seconds.
        """
        try:
            error = self.loaded.exception(timeout)
        except FutureTimeoutError:
            return ''
        return '' if error is None else str(error) or type(error).__name__

    @property
    def grounding(self) -> bool:
        """Whether images are grounded at the moment."""
        return self._grounding and not self._stopping

    def submit(
        self, command: Callable[[Owned], Result], *, after_frames: bool = False
    ) -> Future[Result]:
        """Submit a command to the thread.

        Args:
            command: called with the object that the thread owns.
            after_frames: whether earlier frames are recorded first.

        Returns:
            future of its result; it contains a WorkerStoppedError if the thread has ended, or the
            error of loading.
        """
        future: Future[Result] = Future()

        def run(owned: Owned) -> None:
            try:
                result = command(owned)
            # The error belongs to the caller of the command.
            except Exception as error:  # noqa: BLE001
                self._settle(future, error=error)
            else:
                self._settle(future, result)

        with self._wake:
            if self._stopping:
                future.set_exception(self._ended)
                return future
            self._waiting.add(future)
            (self._recorded if after_frames else self._commands).append(run)
            self._wake.notify()
        return future

    def offer_frame(self, record: Callable[[Owned], None]) -> bool:
        """Queue a frame for recording; return False if the queue is full."""
        with self._wake:
            if len(self._recorded) >= self._frame_capacity:
                return False
            self._recorded.append(record)
            self._wake.notify()
        return True

    def offer_image(self, ground: Callable[[Owned], None]) -> bool:
        """Queue an image for grounding; return True if it replaces a waiting one."""
        with self._wake:
            replaced = self._image is not None
            self._image = ground
            self._wake.notify()
        return replaced

    def set_grounding(self, *, grounding: bool) -> None:
        """Start or stop grounding; a waiting image is dropped."""
        with self._wake:
            self._grounding = grounding
            self._image = None
            self._wake.notify()

    def stop(self, timeout: float) -> bool:
        """End the thread after its current task; waiting commands fail.

        Returns:
            whether it ended within the timeout, in seconds.
        """
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._fail_all()
        if self._thread is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self, load: Callable[[], Owned]) -> None:
        try:
            owned = load()
        # `loaded` reports any error.
        except Exception as error:  # noqa: BLE001
            with self._wake:
                self._stopping, self._ended = True, error
            self.loaded.set_exception(error)
            self._fail_all()
            return
        self.loaded.set_result(None)
        while (work := self._next(owned)) is not None:
            try:
                work(owned)
            # The next image may be valid.
            except Exception as error:  # noqa: BLE001
                if not self._stopping:
                    self._failed(error)
            # A remaining reference would keep an image alive while the thread waits.
            del work

    def _next(self, owned: Owned) -> Callable[[Owned], None] | None:
        with self._wake:
            while not self._stopping:
                if self._commands:
                    return self._commands.popleft()
                if self._recorded:
                    return self._recorded.popleft()
                if self._grounding and self._image is not None and self._can_ground(owned):
                    ground, self._image = self._image, None
                    return ground
                self._wake.wait()
        return None

    def _settle(
        self, future: Future[Any], result: Any = None, error: Exception | None = None
    ) -> None:
        with self._wake:
            # Only the caller that removes it from the set sets the future.
            if future not in self._waiting:
                return
            self._waiting.discard(future)
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def _fail_all(self) -> None:
        with self._wake:
            waiting = list(self._waiting)
        for future in waiting:
            self._settle(future, error=self._ended)
