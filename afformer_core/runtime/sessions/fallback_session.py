# SPDX-License-Identifier: Apache-2.0
"""Sessions on the GPU that fall back to the CPU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.runtime.backends import (
    GPU_BACKENDS,
    cpu_backend,
    open_decoder,
    open_matching,
)
from afformer_core.runtime.features import Stages
from afformer_core.runtime.model_folder import MATCHING_FOLDER
from afformer_core.runtime.networks import Networks
from afformer_core.runtime.session import (
    Decoded,
    EncodedLevels,
    MatchingSession,
    Memory,
    Session,
)
from afformer_core.runtime.sessions.device_loss import is_device_lost

Result = TypeVar('Result')
AnySession = TypeVar('AnySession', bound=Session | MatchingSession)


class _Fallback(Generic[AnySession]):
    """A session on the GPU that is replaced by one on the CPU after the GPU is lost.

    The CPU repeats a computation that failed on the GPU, so that the caller receives its result.

    Args:
        session: session on the GPU.
        open_on_cpu: function that opens a session of the same weights on the CPU.
        lost: called with the reason of the loss when the CPU takes over.
    """

    def __init__(
        self,
        session: AnySession,
        open_on_cpu: Callable[[], AnySession],
        lost: Callable[[str], None],
    ) -> None:
        self._session = session
        self._open_on_cpu = open_on_cpu
        self._lost = lost
        self._on_gpu = session

    @property
    def backend(self) -> str:
        """Backend of the active session."""
        return self._session.backend

    def _run(self, compute: Callable[[AnySession], Result]) -> Result:
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


class FallbackSession(_Fallback[Session]):
    """A session with a decoder that falls back to the CPU (see `_Fallback`).

    Memories that the GPU computed are used on the CPU unchanged, and images that it encoded are
    encoded again.
    """

    def __init__(
        self, session: Session, open_on_cpu: Callable[[], Session], lost: Callable[[str], None]
    ) -> None:
        super().__init__(session, open_on_cpu, lost)
        self._encoded_by: WeakKeyDictionary[EncodedLevels, Session] = WeakKeyDictionary()

    def encode_frames(self, frames: UInt8Array) -> FloatArray:
        """Compute the features of frames (see `Session.encode_frames`)."""
        return self._run(lambda session: session.encode_frames(frames))

    def memorize(self, features: FloatArray) -> Memory:
        """Compute the memory of a demonstration (see `Session.memorize`)."""
        return self._run(lambda session: session.memorize(features))

    def encode_image(self, image: UInt8Array) -> EncodedLevels:
        """Encode an image (see `Session.encode_image`)."""
        return self._run(lambda session: self._encode(session, image))

    def decode(self, image: EncodedLevels, memory: Memory) -> Decoded:
        """Ground a memory in an image (see `Session.decode`)."""
        return self._run(lambda session: session.decode(self._encoded(session, image), memory))

    def _encode(self, session: Session, image: UInt8Array) -> EncodedLevels:
        encoded = session.encode_image(image)
        self._encoded_by[encoded] = session
        return encoded

    def _encoded(self, session: Session, image: EncodedLevels) -> EncodedLevels:
        if self._encoded_by.get(image) is session:
            return image
        return session.encode_image(image.image)


class FallbackMatchingSession(_Fallback[MatchingSession]):
    """A session of a matching network that falls back to the CPU (see `_Fallback`)."""

    def encode(self, images: UInt8Array) -> Stages:
        """Compute the stages of images (see `MatchingSession.encode`)."""
        return self._run(lambda session: session.encode(images))

    def find_contact(self, stages: Stages) -> FloatArray:
        """Find the contact of a demonstration (see `MatchingSession.find_contact`)."""
        return self._run(lambda session: session.find_contact(stages))


def with_fallback(
    networks: Networks, folder: Path, threads: int, lost: Callable[[str], None]
) -> Networks:
    """Add a CPU fallback to networks on the GPU; return networks on the CPU as they are.

    Args:
        networks: networks of the model.
        folder: folder of the model.
        threads: number of threads on the CPU; 0: chosen by the backend.
        lost: called with the reason of the loss when the CPU takes over; a matching network calls
            it as well.
    """
    if networks.backend not in GPU_BACKENDS:
        return networks
    decoder = FallbackSession(
        networks.decoder, lambda: open_decoder(folder, cpu_backend(folder), threads).decoder, lost
    )
    if networks.matching is None:
        return replace(networks, decoder=decoder)
    beside = folder / MATCHING_FOLDER
    matching = FallbackMatchingSession(
        networks.matching.session,
        lambda: open_matching(beside, cpu_backend(beside), threads),
        lost,
    )
    return replace(networks, decoder=decoder, matching=networks.matching.with_session(matching))
