# SPDX-License-Identifier: Apache-2.0
"""Frame-by-frame recording of a demonstration, at most one at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.errors import DemonstrationError
from afformer_core.runtime.frame_sampler import FrameSampler
from afformer_core.runtime.grounding import EncodedFrames


@dataclass(frozen=True)
class EncodedDemonstration:
    """A demonstration whose recording has ended.

    Attributes:
        name: name of the demonstration, not empty.
        encoded: the frames that were kept.
        frame_count: number of frames that were received, at least as many as were kept.
    """

    name: str
    encoded: EncodedFrames
    frame_count: int


@dataclass(frozen=True)
class _Started:
    name: str
    frames: FrameSampler[tuple[UInt8Array, FloatArray]]


class DemonstrationRecording:
    """The demonstration being recorded, if any; frames that are kept are encoded at once."""

    def __init__(self) -> None:
        self._started: _Started | None = None

    @property
    def name(self) -> str | None:
        """Name of the demonstration being recorded, or None."""
        return None if self._started is None else self._started.name

    def start(self, name: str, maximum_frames: int) -> None:
        """Start recording.

        Args:
            name: name of the demonstration, not empty.
            maximum_frames: largest number of frames to keep.

        Raises:
            DemonstrationError: one is being recorded already, or the name is empty.
        """
        if self._started is not None:
            raise DemonstrationError(
                f'demonstration {self._started.name!r} is being recorded. Finish it first'
            )
        if not name:
            raise DemonstrationError(
                'the name of the demonstration is empty; expected at least one character'
            )
        self._started = _Started(name, FrameSampler(maximum_frames))

    def add(
        self,
        image: NDArray[Any],
        resize: Callable[[NDArray[Any]], UInt8Array],
        encode: Callable[[UInt8Array], FloatArray],
    ) -> None:
        """Add the next frame, and encode it if it is kept.

        Args:
            image: uint8 RGB [H, W, 3].
            resize: function to uint8 RGB [h, w, 3] at the model's input size.
            encode: function from that to features [C, rows, columns].

        Raises:
            DemonstrationError: no demonstration is being recorded.
            ImageError: this is not an image; the recording continues without it.
        """
        sampler = self._require_started().frames
        frame = resize(image)
        if sampler.wants_next():
            sampler.add((frame, encode(frame)))
        else:
            sampler.skip()

    def finish(self) -> EncodedDemonstration:
        """End the recording and return its frames.

        Raises:
            DemonstrationError: no demonstration is being recorded, or it has no frame and is
                dropped.
        """
        started = self._require_started()
        self._started = None
        selection = started.frames.selection()
        if not selection:
            raise DemonstrationError(
                f'demonstration {started.name!r} has 0 frames; expected at least 1. Send images '
                'before finishing'
            )
        encoded = EncodedFrames.stack(selection)
        return EncodedDemonstration(started.name, encoded, started.frames.count)

    def cancel(self) -> None:
        """Drop the recording, if there is one."""
        self._started = None

    def _require_started(self) -> _Started:
        if self._started is None:
            raise DemonstrationError('no demonstration is being recorded. Start one first')
        return self._started
