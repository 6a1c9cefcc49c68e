# SPDX-License-Identifier: Apache-2.0
"""A session on the GPU that falls back to the CPU."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.runtime.backends import GPU_BACKENDS, open_decoder
from afformer_core.runtime.matching.matched_session import MatchedSession
from afformer_core.runtime.model_folder import MATCHING_FOLDER
from afformer_core.runtime.session import Memory, Output, Session
from afformer_core.runtime.sessions.device_loss import is_device_lost

Result = TypeVar('Result')


class FallbackSession:
    """A session that runs a model on the GPU, and on the CPU after the GPU is lost.

    The CPU repeats a computation that failed on the GPU, so that the caller receives its result.
    Memories that the GPU computed are used on the CPU unchanged.

    Args:
        session: session on the GPU.
        open_on_cpu: function that opens a session of the same weights on the CPU.
        lost: called with the reason of the loss when the CPU takes over.
    """

    def __init__(
        self, session: Session, open_on_cpu: Callable[[], Session], lost: Callable[[str], None]
    ) -> None:
        self._session = session
        self._open_on_cpu = open_on_cpu
        self._lost = lost
        self._on_gpu: Session | None = session

    @property
    def backend(self) -> str:
        """Backend of the active session."""
        return self._session.backend

    def encode_frames(self, frames: UInt8Array) -> FloatArray:
        """Compute the features of frames (see `Session.encode_frames`)."""
        return self._run(lambda session: session.encode_frames(frames))

    def memorize(self, features: FloatArray) -> Memory:
        """Compute the memory of a demonstration (see `Session.memorize`)."""
        return self._run(lambda session: session.memorize(features))

    def ground(self, image: UInt8Array, memory: Memory) -> Output:
        """Ground a memory in an image (see `Session.ground`)."""
        return self._run(lambda session: session.ground(image, memory))

    def _run(self, compute: Callable[[Session], Result]) -> Result:
        session = self._session
        try:
            return compute(session)
        except Exception as error:
            if session is not self._on_gpu or not is_device_lost(error):
                raise
            # The lines after the first are advice on debugging kernels.
            reason = next(iter(str(error).splitlines()), type(error).__name__)
        # The old session stays in `_on_gpu`: freeing it would call into CUDA, which may end the
        # process.
        self._session = self._open_on_cpu()
        self._lost(reason)
        return compute(self._session)


def with_fallback(
    session: Session, folder: Path, threads: int, lost: Callable[[str], None]
) -> Session:
    """Add a CPU fallback to a session on the GPU; return a session on the CPU as it is.

    Args:
        session: session of the model.
        folder: folder of the model.
        threads: number of threads on the CPU; 0: chosen by the backend.
        lost: called with the reason of the loss when the CPU takes over; a matching network calls
            it as well.
    """
    if isinstance(session, MatchedSession):
        decoder = with_fallback(session.decoder, folder, threads, lost)
        matching = with_fallback(session.matching, folder / MATCHING_FOLDER, threads, lost)
        return session.with_parts(decoder, matching)
    if session.backend not in GPU_BACKENDS:
        return session
    return FallbackSession(session, lambda: open_decoder(folder, 'auto', threads), lost)
