# SPDX-License-Identifier: Apache-2.0
"""Files `intrinsics.json` beside videos, with the calibration of their camera."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from afformer_core.errors import VideoError
from afformer_core.media.lens import LensIntrinsics
from afformer_core.media.undistortion import pinhole_focal
from afformer_core.offline.maskahand.sources.frame_source import FrameSource
from afformer_core.offline.maskahand.sources.undistorted import Undistorted
from afformer_core.offline.maskahand.sources.urls import (
    AccessRefusedError,
    address,
    content_of,
    url_of,
)

INTRINSICS_FILE = 'intrinsics.json'


class IntrinsicsFiles:
    """The calibrations for the videos in a folder and below, each read once.

    Args:
        root: the folder; files above it are ignored.
        listed: files of a folder at a URL, so that no other file is requested; None for a folder
            on the disk.
        guessed: whether the listed files may be missing or forbidden.
    """

    def __init__(
        self, root: Path, listed: Collection[Path] | None = None, *, guessed: bool = False
    ) -> None:
        self._root, self._listed, self._guessed = root, listed, guessed
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
        content = self._content(file)
        if content is None:
            return None
        lens = LensIntrinsics.from_json(content)
        pinhole_focal(lens)
        return lens

    def _content(self, file: Path) -> bytes | None:
        url = url_of(file)
        try:
            if url is not None:
                content = content_of(url)
                # Some web servers answer any request with a page.
                page = content is not None and content.lstrip().startswith(b'<')
                return None if self._guessed and page else content
            return file.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise VideoError(f'it cannot be read: {error.strerror}') from error
        except AccessRefusedError:
            if self._guessed:
                return None
            raise
