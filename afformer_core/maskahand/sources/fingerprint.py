# SPDX-License-Identifier: Apache-2.0
"""Fingerprints of files, which change when these are written again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path


def files_fingerprint(paths: Iterable[Path]) -> str:
    """Hash the names, sizes and times of change of files to a short text.

    Raises:
        OSError: a file is gone.
    """
    facts = []
    for path in paths:
        status = path.stat()
        facts.append((path.name, status.st_size, status.st_mtime_ns))
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
