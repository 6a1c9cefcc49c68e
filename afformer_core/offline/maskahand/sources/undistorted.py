# SPDX-License-Identifier: Apache-2.0
"""Sources of frames with a known lens, which return undistorted frames."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.licences import Origin
from afformer_core.media.lens import LensIntrinsics
from afformer_core.media.undistortion import undistort
from afformer_core.media.video import VideoFrame
from afformer_core.offline.maskahand.sources.frame_source import FrameSource, LostFrame


@dataclass(frozen=True)
class Undistorted:
    """A source whose frames are undistorted, as a `FrameSource`.

    Attributes:
        source: source of the distorted frames.
        lens: its calibration.
    """

    source: FrameSource
    lens: LensIntrinsics

    @property
    def path(self) -> Path:
        """Path of the source."""
        return self.source.path

    @property
    def topic(self) -> str:
        """Topic of the source."""
        return self.source.topic

    def fingerprint(self) -> str:
        """Hash the state of the source and the calibration (see `FrameSource.fingerprint`)."""
        return f'{self.source.fingerprint()} by {self.lens.to_json()}'

    def content(self) -> str:
        """Hash the content of the source and the calibration (see `FrameSource.content`)."""
        facts = f'{self.source.content()} by {self.lens.to_json()}'
        return hashlib.sha256(facts.encode()).hexdigest()[:32]

    def duration(self) -> float | None:
        """Return the duration of the source (see `FrameSource.duration`)."""
        return self.source.duration()

    def windows(self, length: float) -> Sequence[int]:
        """Find the windows of the source (see `FrameSource.windows`)."""
        return self.source.windows(length)

    def frames(
        self, rate: float, start: float = 0.0, stop: float = math.inf
    ) -> Iterator[VideoFrame | LostFrame]:
        """Yield some of the frames (see `FrameSource.frames`)."""
        for frame in self.source.frames(rate, start, stop):
            if isinstance(frame, LostFrame):
                yield frame
            else:
                yield VideoFrame(frame.time, undistort(frame.image, self.lens))

    def at(self, times: Sequence[float]) -> NDArray[np.uint8]:
        """Read the frames at some times (see `FrameSource.at`)."""
        return np.stack([undistort(image, self.lens) for image in self.source.at(times)])


def origin_of(source: FrameSource) -> Origin | None:
    """Return the dataset of a source, with its licence; None if unknown."""
    inner = source.source if isinstance(source, Undistorted) else source
    origin: Origin | None = getattr(inner, 'origin', None)
    return origin


def lens_of(source: FrameSource) -> LensIntrinsics | None:
    """Return the calibration with which frames of a source are undistorted, or None."""
    return source.lens if isinstance(source, Undistorted) else None
