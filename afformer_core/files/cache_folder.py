# SPDX-License-Identifier: Apache-2.0
"""The user's cache folder, for files that can be made again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """`afformer` in the user's cache folder."""
    base = os.environ.get('XDG_CACHE_HOME', '')
    # The specification tells to ignore a path that is not absolute.
    return (Path(base) if os.path.isabs(base) else Path.home() / '.cache') / 'afformer'
