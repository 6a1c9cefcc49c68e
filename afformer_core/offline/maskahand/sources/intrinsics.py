# SPDX-License-Identifier: Apache-2.0
"""The files `intrinsics.json`, which tell the lens of the videos beside them and below."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from afformer_core.errors import VideoError
from afformer_core.media.lens import LensIntrinsics
from afformer_core.media.undistortion import pinhole_focal
from afformer_core.offline.maskahand.sources.frame_source import FrameSource
from afformer_core.offline.maskahand.sources.urls import address, read_file

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
        self._read: dict[Path, LensIntrinsics | None] = {}

    def applied(self, source: FrameSource) -> FrameSource:
        """Return a source, undistorted if there is a file in its folder or above.

        The nearest file is used.

        Raises:
            VideoError: the file is malformed.
        """
        for folder in (source.path, *source.path.parents):
            lens = self._lens(folder / INTRINSICS_FILE)
            if lens is not None:
                return replace(source, lens=lens)
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
                raise VideoError(
                    f'{address(file)}: {error}. Correct it, or rename it if it does not belong '
                    f'to a camera'
                ) from error
        return self._read[file]

    def _read_file(self, file: Path) -> LensIntrinsics | None:
        try:
            lens = LensIntrinsics.from_json(read_file(file))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise VideoError(f'it cannot be read: {error.strerror}') from error
        pinhole_focal(lens)
        return lens
