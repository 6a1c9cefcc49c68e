# SPDX-License-Identifier: Apache-2.0
"""A video file by its URL as a source of frames, read streaming."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from afformer_core.errors import VideoError
from afformer_core.maskahand.sources.encoded_video import EncodedVideo
from afformer_core.maskahand.sources.fingerprint import samples_fingerprint
from afformer_core.maskahand.sources.urls import RemoteFile, facts_of, url_of
from afformer_core.media.video import VideoReader


@dataclass(frozen=True)
class RemoteVideo(EncodedVideo):
    """A video file by its URL, as a `FrameSource`.

    Attributes:
        path: path that stands for the URL (see `urls`).
    """

    path: Path

    @property
    def topic(self) -> str:
        """Empty, since a file has no topics."""
        return ''

    @property
    def url(self) -> str:
        """The URL."""
        url = url_of(self.path)
        if url is None:
            raise VideoError(f'{self.path} is no URL; expected one such as s3://bucket/video.mp4')
        return url

    def fingerprint(self) -> str:
        """Hash what the file system tells of the file (see `FrameSource.fingerprint`)."""
        return hashlib.sha256(repr(facts_of(self.url)).encode()).hexdigest()[:16]

    def content(self) -> str:
        """Hash the content of the file (see `FrameSource.content`)."""
        size, _ = facts_of(self.url)
        with RemoteFile(self.url) as file:
            return samples_fingerprint([(file, size)])

    @property
    def full_path(self) -> Path:
        """Path of the video, for errors."""
        return self.path

    def open_reader(self) -> VideoReader:
        """Open the video, to be decoded by one thread."""
        return VideoReader(self.path, threads=1, file=RemoteFile(self.url))
