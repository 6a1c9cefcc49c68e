# SPDX-License-Identifier: Apache-2.0
"""A video file, on the disk or at a URL, as a source of frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from afformer_core.media.video import VideoReader
from afformer_core.offline.maskahand.sources.encoded_video import EncodedVideo
from afformer_core.offline.maskahand.sources.fingerprint import (
    content_fingerprint,
    files_fingerprint,
)
from afformer_core.offline.maskahand.sources.urls import RemoteFile, url_of


@dataclass(frozen=True)
class VideoFile(EncodedVideo):
    """A video file, as a `FrameSource`; at a URL it is read streaming.

    Attributes:
        path: path of the file, or of its URL (see `urls`).
    """

    path: Path

    @property
    def topic(self) -> str:
        """Empty, since a file has no topics."""
        return ''

    def fingerprint(self) -> str:
        """Hash the state of the file (see `FrameSource.fingerprint`)."""
        return files_fingerprint([self.path])

    def content(self) -> str:
        """Hash the content of the file (see `FrameSource.content`)."""
        return content_fingerprint([self.path])

    @property
    def full_path(self) -> Path:
        """Path of the video, for errors."""
        return self.path

    def open_reader(self) -> VideoReader:
        """Open the video for decoding by one thread."""
        url = url_of(self.path)
        return VideoReader(self.path, threads=1, file=None if url is None else RemoteFile(url))
