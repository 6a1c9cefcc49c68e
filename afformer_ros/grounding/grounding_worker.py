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
    """The worker ended before it came to a command."""


class GroundingWorker(Generic[Owned]):
    """Worker that runs everything that uses the model in one thread.

    Commands are done in order, before anything else. What is recorded is done in order too, and
    is bounded: `offer_frame` refuses when it is full. Of images only the newest is kept, and it
    waits until it can be grounded. All of them may be given before the thread starts.

    Args:
        can_ground: whether an image could be grounded now.
        failed: told of an exception that grounding or recording let through before the end.
        frame_capacity: frames that may wait.

    Attributes:
        loaded: done once the thread owns something, or with what loading raised.
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
        """Begin to work; to be called once.

        Args:
            load: makes what the thread owns, in the thread.
        """
        self._thread = threading.Thread(
            target=self._run, args=(load,), name='grounding', daemon=True
        )
        self._thread.start()

    def loading_error(self, timeout: float) -> str:
        """Tell why nothing could be loaded; empty if it was, or still is being loaded.

        Args:
            timeout: seconds to wait for it.
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
        self, command: Callable[[Owned], Result], after_frames: bool = False
    ) -> Future[Result]:
        """Have a command done by the thread.

        Args:
            command: called with what the thread owns.
            after_frames: whether frames that were offered before come first.

        Returns:
            its result; WorkerStoppedError once the thread has ended, or what loading raised.
        """
        future: Future[Result] = Future()

        def run(owned: Owned) -> None:
            try:
                result = command(owned)
            # It belongs to whoever gave the command.
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
        """Have a frame recorded; False where too many wait, and it is not taken."""
        with self._wake:
            if len(self._recorded) >= self._frame_capacity:
                return False
            self._recorded.append(record)
            self._wake.notify()
        return True

    def offer_image(self, ground: Callable[[Owned], None]) -> bool:
        """Have an image grounded; True where it replaces one that was not."""
        with self._wake:
            replaced = self._image is not None
            self._image = ground
            self._wake.notify()
        return replaced

    def set_grounding(self, grounding: bool) -> None:
        """Ground images from now on, or no longer; an image that waits is forgotten."""
        with self._wake:
            self._grounding = grounding
            self._image = None
            self._wake.notify()

    def stop(self, timeout: float) -> bool:
        """End the thread after what it does now; commands that wait fail.

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
        # Whatever it is, it is told by `loaded`.
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
            # The next image may be sound.
            except Exception as error:  # noqa: BLE001
                if not self._stopping:
                    self._failed(error)
            # A name that outlives its turn would keep an image alive while the thread waits.
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
            # Whoever is taken out of the set here is the only one to set the future.
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
