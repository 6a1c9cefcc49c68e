# SPDX-License-Identifier: Apache-2.0
"""The interface of sources of frames, and what all of them share."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import AfformerError
from afformer_core.licences import Origin
from afformer_core.media.lens import LensIntrinsics, undistort
from afformer_core.media.sparse_decoding import Needed
from afformer_core.media.video import VideoFrame
from afformer_core.offline.maskahand.sources.frame_selection import (
    chosen_frames,
    frames_at,
    may_be_at,
    may_be_chosen,
)
from afformer_core.offline.maskahand.sources.urls import state_of

# Function that decodes a frame to uint8 [H, W, 3] RGB.
Decode = Callable[[], NDArray[np.uint8]]
# Function that yields frames with their seconds, beginning at or before a time. It is given a
# function that selects the frames that are decoded soon; decoding others may take long.
FramesFrom = Callable[[float, Needed], Iterator[tuple[float, Decode]]]


@dataclass(frozen=True)
class LostFrame:
    """A frame that cannot be read, though later ones may be.

    Attributes:
        time: seconds from the video's first frame.
        reason: one sentence.
    """

    time: float
    reason: str


@dataclass(frozen=True)
class FrameSource(ABC):
    """A long video. It keeps no files open, so it can be sent to another process.

    Seconds are counted from the first frame, rounded to a millionth, and increase from frame to
    frame.

    Attributes:
        path: path of the file, the folder of frames, the bag, or the tar.
        topic: name within the path; empty if the path is sufficient. It is the topic in a bag, the
            name of a video in a tar, or `t=BEGIN,END` for a part of a video.
        lens: calibration with which frames are undistorted; None: not undistorted.
        origin: its dataset, with the licence; None if unknown.
    """

    path: Path
    topic: str = ''
    _: KW_ONLY
    lens: LensIntrinsics | None = None
    origin: Origin | None = field(default=None, compare=False)

    @abstractmethod
    def duration(self) -> float | None:
        """Estimate the duration in seconds; None if only reading the video would show it.

        Raises:
            AfformerError: the video cannot be read.
        """

    @abstractmethod
    def windows(self, length: float) -> Sequence[int]:
        """Find the numbers k of windows from k * `length` s to (k + 1) * `length` s with frames.

        A pause of any length has no windows. The numbers increase, and there is at least one;
        frames may follow the last window.

        Args:
            length: seconds, above 0.

        Raises:
            AfformerError: the video cannot be read.
        """

    @abstractmethod
    def opened(self) -> AbstractContextManager[FramesFrom]:
        """Open the video to read its frames, which are decoded before it is closed.

        Raises:
            AfformerError: the video cannot be read.
        """

    def files(self) -> list[Path]:
        """List the files of the video, in order."""
        return [self.path]

    def state(self) -> str:
        """Hash the state of the files (see `fingerprint`)."""
        return state_of(self.files())

    def fingerprint(self) -> str:
        """Return a text that changes when a file is added, removed, or changed.

        Raises:
            OSError: a file no longer exists.
        """
        state = self.state()
        return state if self.lens is None else f'{state} by {self.lens.to_json()}'

    def frames(
        self, rate: float, start: float = 0.0, stop: float = math.inf
    ) -> Iterator[VideoFrame | LostFrame]:
        """Yield some of the frames, one at a time: those nearest to the times k / `rate`.

        A video with fewer frames than `rate` yields each once. A part yields the same frames as
        the whole video in that time.

        Args:
            rate: frames per second, above 0.
            start: first time, seconds.
            stop: end, seconds; not included.

        Raises:
            AfformerError: while iterating: the video, or the rest of it, cannot be read.
        """
        with self.opened() as frames_from:
            timed = frames_from(start, partial(may_be_chosen, rate))
            for time, decode in chosen_frames(timed, rate, start, stop):
                try:
                    image = decode()
                except AfformerError as error:
                    yield LostFrame(time, str(error))
                else:
                    yield VideoFrame(time, self._undistorted(image))

    def at(self, times: Sequence[float]) -> NDArray[np.uint8]:
        """Read the frames at some times that `frames` yielded, in any order.

        Returns:
            uint8 [N, H, W, 3] RGB.

        Raises:
            AfformerError: the video cannot be read, or has no frame at one of the times.
        """
        name = f'{self.path}#{self.topic}' if self.topic else f'{self.path}'
        with self.opened() as frames_from:
            timed = frames_from(min(times), partial(may_be_at, sorted(times)))
            images = frames_at(timed, times, name)
        return np.stack([*map(self._undistorted, images)])

    def _undistorted(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return image if self.lens is None else undistort(image, self.lens)
