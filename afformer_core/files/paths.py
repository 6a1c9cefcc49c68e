# SPDX-License-Identifier: Apache-2.0
"""Paths: local ones, and URLs; outputs that keep inputs; and folders of the project's files.

A URL that was converted to a path has lost one of its slashes: `s3:/bucket/a.mp4`.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

PACKAGE = 'afformer_ros'
"""Name of the ROS package."""

# A drive of Windows has one letter.
_URL = re.compile(r'([A-Za-z][A-Za-z0-9+.-]+):/+(.*)')


def share_folders() -> Iterator[Path]:
    """Yield the folder of the source tree, of pip, then of sourced ROS workspaces.

    They may not exist; each may contain `config`, `msg` and others.
    """
    yield Path(__file__).resolve().parents[2]
    yield Path(sys.prefix) / 'share' / PACKAGE
    for prefix in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep):
        if prefix:
            yield Path(prefix) / 'share' / PACKAGE


def as_url(path: str | os.PathLike[str]) -> str | None:
    """Return the URL in a text or a path; None if it is not a URL."""
    named = _URL.fullmatch(os.fspath(path))
    return None if named is None else f'{named[1].lower()}://{named[2]}'


def why_not_local(
    path: str | os.PathLike[str], kind: str = 'path', *, is_written: bool = False
) -> str | None:
    """Explain why an argument is not a local path, and what to do; None if it is one.

    Args:
        path: path or text from the user.
        kind: kind of path, such as `folder`.
        is_written: whether it is written rather than read.
    """
    if (url := as_url(path)) is None:
        return None
    advice = 'Write here, and upload it afterwards' if is_written else 'Download it first'
    return f'{url} is a URL; expected a {kind} of this machine. {advice}'


def is_same_path(one: Path, other: Path) -> bool:
    """Check whether two paths lead to the same file or folder, including through links.

    Paths that do not exist yet are resolved as far as possible.
    """
    if one.exists() and other.exists():
        return os.path.samefile(one, other)
    return one.resolve() == other.resolve()


NamedPath = tuple[str, Path]
"""The name of an argument, and the path that a user gave as it."""


def require_inputs_kept(outputs: Iterable[NamedPath], inputs: Iterable[NamedPath]) -> None:
    """Raise an error if an output is one of the inputs, even through a link.

    Raises:
        ValueError: it is.
    """
    for (name, written), (other, read) in product(outputs, inputs):
        if is_same_path(written, read):
            kind = 'folder' if read.is_dir() else 'file'
            raise ValueError(
                f'{name} is {written}, the same {kind} as {other}; expected another {kind}, since '
                'that one is an input. Give a new name'
            )
