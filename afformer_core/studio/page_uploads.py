# SPDX-License-Identifier: Apache-2.0
"""The files that were uploaded to one page."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

from nicegui.elements.upload_files import FileUpload


class PageUploads:
    """The files, under new names in a temporary folder; `close` removes them all."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._numbers = itertools.count(1)

    async def save(self, upload: FileUpload) -> Path:
        """Write an upload to a new file, and return its path.

        Raises:
            OSError: the file cannot be written.
        """
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix='afformer_studio_')
        # The sender controls the name, so the file receives another one.
        path = Path(self._folder.name) / f'upload_{next(self._numbers)}'
        try:
            await upload.save(path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path

    def drop(self, path: Path) -> None:
        """Remove a file if it is an upload."""
        if self._folder is not None and path.parent == Path(self._folder.name):
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Remove all files."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
