# SPDX-License-Identifier: Apache-2.0
"""Fingerprints of files, which change when these are written again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path


def files_fingerprint(paths: Iterable[Path]) -> str:
    """A short text that changes with the files' names, their sizes and their times of change.

    Raises:
        OSError: one is gone.
    """
    facts = []
    for path in paths:
        status = path.stat()
        facts.append((path.name, status.st_size, status.st_mtime_ns))
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
