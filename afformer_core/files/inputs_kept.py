# SPDX-License-Identifier: Apache-2.0
"""The check that no result is written over what it is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from afformer_core.files.local_paths import is_same_path

# Nothing that reads a folder takes these for its contents.
_PAGES = ('.html', '.md')
# Files that a folder of images, videos or pairs consists of.
_MEDIA = ('.jpg', '.jpeg', '.png', '.mp4')


@dataclass(frozen=True)
class NamedPath:
    """A path that a user gave.

    Attributes:
        path: the path.
        name: name of the argument.
        is_folder: whether a folder is written, or a file; of an input, what it is on the disk.
        may_be_inside: a folder is written that inputs may contain, since none of its files is
            taken for one of theirs.
    """

    path: Path
    name: str
    is_folder: bool = False
    may_be_inside: bool = False


def require_inputs_kept(outputs: Sequence[NamedPath], inputs: Sequence[NamedPath]) -> None:
    """Raise an error unless all outputs leave all inputs as they are.

    A file may not be an input, by a link or not, nor replace a file of an input folder, nor be
    an image or a video that is read with the folder the next time. A folder may not be an input
    nor lie in one. Of a folder of results, files may do what the folder may.

    Args:
        outputs: files and folders that are written.
        inputs: files and folders that are read; those that do not exist are no matter.

    Raises:
        ValueError: an output would replace an input, or become a part of one.
    """
    for read in inputs:
        for written in outputs:
            if is_same_path(written.path, read.path):
                kind = 'folder' if written.is_folder else 'file'
                raise ValueError(
                    f'{written.name} is {written.path}, the same {kind} as {read.name}; expected '
                    f'another {kind}, since that one is read. Give a new name'
                )
            if read.path.is_dir() and _changes(written, read.path, outputs):
                raise ValueError(
                    f'{written.name} is {written.path}, which lies in {read.path} of {read.name}; '
                    'expected a path outside it, since all of that is read. Write elsewhere'
                )


def _changes(written: NamedPath, folder: Path, outputs: Sequence[NamedPath]) -> bool:
    """Check whether an output that is not a folder of inputs changes the inputs there."""
    if not _is_in(written.path, folder):
        return False
    if written.is_folder:
        return not written.may_be_inside
    if any(
        each.is_folder and each.may_be_inside and _is_in(written.path, each.path)
        for each in outputs
    ):
        return False
    suffix = written.path.suffix.lower()
    return suffix not in _PAGES and (suffix in _MEDIA or written.path.exists())


def _is_in(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())
