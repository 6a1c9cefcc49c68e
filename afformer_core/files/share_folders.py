# SPDX-License-Identifier: Apache-2.0
"""Folders of the project's files other than code."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = 'afformer_ros'
"""Name of the ROS package."""


def share_folders() -> Iterator[Path]:
    """Yield the folder of the source tree, of pip, then of sourced ROS workspaces.

    They may not exist; each may contain `config`, `msg` and others.
    """
    yield Path(__file__).resolve().parents[2]
    yield Path(sys.prefix) / 'share' / PACKAGE
    for prefix in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep):
        if prefix:
            yield Path(prefix) / 'share' / PACKAGE
