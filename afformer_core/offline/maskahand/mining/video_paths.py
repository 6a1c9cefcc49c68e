# SPDX-License-Identifier: Apache-2.0
"""Paths of videos in an index: relative to its folder, absolute beside a URL, or URLs."""

from __future__ import annotations

import os
from pathlib import Path

from afformer_core.offline.maskahand.sources.urls import url_of


def absolute(path: str, folder: Path) -> Path:
    """Return the path of a video, given its path in an index."""
    return Path(path) if url_of(Path(path)) else Path(os.path.normpath(folder / path))


def relative(path: Path, folder: Path) -> str:
    """Return the path of a video in an index, given the folder of the index.

    Between a URL and a machine, no path is relative.
    """
    if url_of(folder) is not None and url_of(path) is None:
        return path.absolute().as_posix()
    return url_of(path) or Path(os.path.relpath(path, folder)).as_posix()
