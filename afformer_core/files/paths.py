# SPDX-License-Identifier: Apache-2.0
"""Paths: local ones, and URLs; outputs that keep inputs; and folders of the project's files.

A URL that was converted to a path has lost one of its slashes: `s3:/bucket/a.mp4`.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

PACKAGE = 'afformer_ros'
"""Name of the ROS package."""

# A drive of Windows has one letter.
_URL = re.compile(r'([A-Za-z][A-Za-z0-9+.-]+):/+(.*)')
# Readers of folders ignore these files.
_PAGES = ('.html', '.md')
# Files that a folder of images, videos or pairs consists of.
_MEDIA = ('.jpg', '.jpeg', '.png', '.mp4')


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


@dataclass(frozen=True)
class NamedPath:
    """A path that a user gave.

    Attributes:
        path: the path.
        name: name of the argument.
        is_folder: whether it is a folder; for an output, whether a folder is written.
        may_be_inside: whether an output folder may be inside an input, because none of its files
            is mistaken for one of the input.
    """

    path: Path
    name: str
    is_folder: bool = False
    may_be_inside: bool = False


def require_inputs_kept(outputs: Sequence[NamedPath], inputs: Sequence[NamedPath]) -> None:
    """Raise an error if an output would change an input.

    A file must not be an input, even through a link, must not replace a file of an input folder,
    and must not be an image or a video that would be read with the folder the next time. A folder
    must not be an input or lie in one. Files in an output folder may be in the same places as the
    folder.

    Args:
        outputs: files and folders that are written.
        inputs: files and folders that are read; missing ones are ignored.

    Raises:
        ValueError: an output would replace an input, or become a part of one.
    """
    for read in inputs:
        for written in outputs:
            if is_same_path(written.path, read.path):
                kind = 'folder' if written.is_folder else 'file'
                raise ValueError(
                    f'{written.name} is {written.path}, the same {kind} as {read.name}; expected '
                    f'another {kind}, since that one is an input. Give a new name'
                )
            if read.path.is_dir() and _changes(written, read.path, outputs):
                raise ValueError(
                    f'{written.name} is {written.path}, which lies in {read.path} of {read.name}; '
                    'expected a path outside it, because that folder is an input. Write elsewhere'
                )


def _changes(written: NamedPath, folder: Path, outputs: Sequence[NamedPath]) -> bool:
    """Check whether an output changes the inputs in its folder."""
    if not _is_in(written.path, folder):
        return False
    if written.is_folder:
        return not written.may_be_inside
    if any(
        output.is_folder and output.may_be_inside and _is_in(written.path, output.path)
        for output in outputs
    ):
        return False
    suffix = written.path.suffix.lower()
    return suffix not in _PAGES and (suffix in _MEDIA or written.path.exists())


def _is_in(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())
