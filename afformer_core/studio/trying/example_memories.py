# SPDX-License-Identifier: Apache-2.0
"""Demonstrations of example pairs, memorized before anybody chooses them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from pathlib import Path

from afformer_core.demonstrations.media import MediaFrames, read_demonstration
from afformer_core.demonstrations.whole_recording import memorize_whole
from afformer_core.errors import AfformerError
from afformer_core.example_pairs.download import downloaded_pairs
from afformer_core.example_pairs.pair_folder import ExamplePair, rendered_pairs
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.demonstration import Demonstration
from afformer_core.studio.model_worker import ModelWorker, Result

_NAME = 'example'


def example_pairs() -> tuple[ExamplePair, ...]:
    """Return the example pairs on this machine, real ones first."""
    return (*downloaded_pairs(), *rendered_pairs())


@dataclass(frozen=True)
class Memorized:
    """A demonstration that the model has memorized, with its frames.

    Attributes:
        media: its frames.
        maximum_frames: maximum number of frames that the model keeps.
        demonstration: the demonstration.
    """

    media: MediaFrames
    maximum_frames: int
    demonstration: Demonstration


class ExampleMemories:
    """The memorized demonstrations of a server, filled by a thread one after another.

    Reading a demonstration takes seconds, which a visitor who clicks an example would wait for.

    Args:
        worker: worker with the model, which other tasks use between two demonstrations.
    """

    def __init__(self, worker: ModelWorker) -> None:
        self._worker = worker
        self._memorized: dict[Path, Memorized] = {}
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def prepare(self, pairs: Callable[[], Sequence[ExamplePair]] = example_pairs) -> None:
        """Begin to memorize the pairs that are not memorized, unless that is under way."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._fill, args=(pairs,), name='examples', daemon=True
                )
                self._thread.start()

    def get(self, video: Path) -> Memorized | None:
        """Return the memorized demonstration of a video; None if it is not ready."""
        return self._memorized.get(video)

    def close(self) -> None:
        """Stop after the current demonstration."""
        self._ending.set()

    def _fill(self, pairs: Callable[[], Sequence[ExamplePair]]) -> None:
        for pair in pairs():
            if self._ending.is_set():
                return
            if pair.video in self._memorized:
                continue
            try:
                self._memorized[pair.video] = self._memorize(pair.video)
            except (AfformerError, OSError):
                # A click on the example reads it again and shows the error.
                continue
            except (RuntimeError, CancelledError):
                # The worker was closed.
                return

    def _memorize(self, video: Path) -> Memorized:
        maximum = self._wait(lambda grounder: grounder.configuration.maximum_frames)
        media = read_demonstration(video, maximum)

        def memorize(grounder: ArrayGrounder) -> Demonstration:
            demonstration = memorize_whole(media, _NAME, grounder)
            grounder.delete_demonstration(_NAME)
            return demonstration

        return Memorized(media, maximum, self._wait(memorize))

    def _wait(self, task: Callable[[ArrayGrounder], Result]) -> Result:
        future: Future[Result] = self._worker.future(task)
        return future.result()
