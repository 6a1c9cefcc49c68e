# SPDX-License-Identifier: Apache-2.0
"""The user's cache folder, for files that can be made again."""

from __future__ import annotations

from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """`afformer` in the user's cache folder: $XDG_CACHE_HOME, or ~/.cache, on Linux."""
    return platformdirs.user_cache_path('afformer', appauthor=False)
