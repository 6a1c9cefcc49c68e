# SPDX-License-Identifier: Apache-2.0
"""The cache folders of the user and of the machine, for files that can be recreated."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """`afformer` in the user's cache folder: $XDG_CACHE_HOME, or ~/.cache, on Linux.

    For a user without a home, as in some containers, it is a folder of that user in the system's
    folder for temporary files.
    """
    # Without a home, releases of platformdirs raise this error or return a relative path.
    with suppress(RuntimeError):
        folder = platformdirs.user_cache_path('afformer', appauthor=False)
        if folder.is_absolute():
            return folder
    return Path(tempfile.gettempdir()) / f'afformer-{os.getuid()}'
