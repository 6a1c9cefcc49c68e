# SPDX-License-Identifier: Apache-2.0
"""Sources of frames with a known lens, and the files `intrinsics.json` that tell the lens."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import VideoError
from afformer_core.licences import Origin
from afformer_core.media.lens import LensIntrinsics
from afformer_core.media.undistortion import pinhole_focal, undistort
from afformer_core.media.video import VideoFrame
from afformer_core.offline.maskahand.sources.frame_source import FrameSource, LostFrame
from afformer_core.offline.maskahand.sources.urls import address, content_of, url_of
from afformer_core.offline.maskahand.sources.video_file import VideoPart


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


def lens_of(source: FrameSource) -> LensIntrinsics | None:
    """Return the calibration with which frames of a source are undistorted, or None."""
    return source.lens if isinstance(source, Undistorted) else None


def origin_of(source: FrameSource) -> Origin | None:
    """Return the dataset of a source with its licence, or None if unknown."""
    source = source.source if isinstance(source, Undistorted) else source
    return source.origin if isinstance(source, VideoPart) else None


INTRINSICS_FILE = 'intrinsics.json'


class IntrinsicsFiles:
    """The calibrations for the videos in a folder and below, each read once.

    Args:
        root: the folder; files above it are ignored.
        listed: files of a folder at a URL, so that no other file is requested; None for a folder
            on the disk.
    """

    def __init__(self, root: Path, listed: Collection[Path] | None = None) -> None:
        self._root, self._listed = root, listed
        self._read: dict[Path, LensIntrinsics | VideoError | None] = {}

    def applied(self, source: FrameSource) -> FrameSource:
        """Return a source, undistorted if there is a file in its folder or above.

        The nearest file is used.

        Raises:
            VideoError: the file is malformed.
        """
        for folder in (source.path, *source.path.parents):
            lens = self._lens(folder / INTRINSICS_FILE)
            if lens is not None:
                return Undistorted(source, lens)
            if folder == self._root:
                break
        return source

    def _lens(self, file: Path) -> LensIntrinsics | None:
        if self._listed is not None and file not in self._listed:
            return None
        if file not in self._read:
            try:
                self._read[file] = self._read_file(file)
            except VideoError as error:
                self._read[file] = VideoError(
                    f'{address(file)}: {error}. Correct it, or rename it if it does not belong '
                    f'to a camera'
                )
        found = self._read[file]
        if isinstance(found, VideoError):
            raise found
        return found

    def _read_file(self, file: Path) -> LensIntrinsics | None:
        try:
            url = url_of(file)
            content = file.read_bytes() if url is None else content_of(url)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise VideoError(f'it cannot be read: {error.strerror}') from error
        if content is None:
            return None
        lens = LensIntrinsics.from_json(content)
        pinhole_focal(lens)
        return lens
