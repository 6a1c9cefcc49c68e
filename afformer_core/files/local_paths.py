# SPDX-License-Identifier: Apache-2.0
"""Paths of this machine, and the URLs that some arguments take instead.

A URL that was read as a path has lost one of its slashes: `s3:/bucket/a.mp4`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

# A drive of Windows has one letter.
_URL = re.compile(r'([A-Za-z][A-Za-z0-9+.-]+):/+(.*)')


def as_url(path: str | os.PathLike[str]) -> str | None:
    """Return the URL that a text or a path is, whether or not it exists; None if it is none."""
    named = _URL.fullmatch(os.fspath(path))
    return None if named is None else f'{named[1].lower()}://{named[2]}'


def why_not_local(
    path: str | os.PathLike[str], kind: str = 'path', is_written: bool = False
) -> str | None:
    """Return why an argument is no path of this machine, and what to do; None if it is one.

    Args:
        path: path or text that a user gave.
        kind: what it names, such as `folder`.
        is_written: whether it is written rather than read.
    """
    if (url := as_url(path)) is None:
        return None
    advice = 'Write here, and upload it afterwards' if is_written else 'Download it first'
    return f'{url} is a URL; expected a {kind} of this machine. {advice}'


def is_same_path(one: Path, other: Path) -> bool:
    """Check whether two paths lead to one file or folder, by a link or not.

    One that does not exist yet is where its path leads once it does.
    """
    if one.exists() and other.exists():
        return os.path.samefile(one, other)
    return one.resolve() == other.resolve()
