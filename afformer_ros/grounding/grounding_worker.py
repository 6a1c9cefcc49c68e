# SPDX-License-Identifier: Apache-2.0
"""The thread that owns the model: commands first, then recorded frames, then the newest image."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

Owned = TypeVar('Owned')
Result = TypeVar('Result')


class WorkerStoppedError(Exception):
    """The worker ended before it came to a command."""


class GroundingWorker(Generic[Owned]):
    """Runs everything that touches the model in one thread.

    Commands are done in order, before anything else. What is recorded is done in order too, and
    is bounded: `offer_frame` refuses when it is full. Of images only the newest is kept, and it
    waits until it can be grounded.

    Args:
        load: makes what the thread owns, in the thread.
        handle_frame: records one frame.
        handle_image: grounds one image.
        can_ground: whether an image could be grounded now.
        failed: told of an exception that a handler let through.
        frame_capacity: frames that may wait.
    """

    def __init__(
        self,
        load: Callable[[], Owned],
        handle_frame: Callable[[Owned, Any], None],
        handle_image: Callable[[Owned, Any], None],
        can_ground: Callable[[Owned], bool],
        failed: Callable[[Exception], None],
        frame_capacity: int,
    ) -> None:
        self._load = load
        self._handle_frame = handle_frame
        self._handle_image = handle_image
        self._can_ground = can_ground
        self._failed = failed
        self._frame_capacity = frame_capacity
        self._wake = threading.Condition()
        self._commands: deque[Callable[[Owned], None]] = deque()
        self._recorded: deque[Callable[[Owned], None]] = deque()
        self._waiting: set[Future[Any]] = set()
        self._image: Any = None
        self._grounding = False
        self._stopping = False
        self._ended: Exception = WorkerStoppedError('the node stops; configure it again')
        self.loaded: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name='grounding', daemon=True)
        self._thread.start()

    @property
    def stopping(self) -> bool:
        """Whether the thread was asked to end."""
        return self._stopping

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

    def offer_frame(self, frame: Any) -> bool:
        """Have a frame recorded; False where too many wait, and it is not taken."""
        with self._wake:
            if len(self._recorded) >= self._frame_capacity:
                return False
            self._recorded.append(lambda owned: self._handle_frame(owned, frame))
            self._wake.notify()
        return True

    def offer_image(self, image: Any) -> bool:
        """Have an image grounded; True where it replaces one that was not."""
        with self._wake:
            replaced = self._image is not None
            self._image = image
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
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            owned = self._load()
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
                    image, self._image = self._image, None
                    return lambda owned: self._handle_image(owned, image)
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
