# SPDX-License-Identifier: Apache-2.0
"""The check that no output overwrites an input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from afformer_core.files.local_paths import is_same_path

# Readers of folders ignore these files.
_PAGES = ('.html', '.md')
# Files that a folder of images, videos or pairs consists of.
_MEDIA = ('.jpg', '.jpeg', '.png', '.mp4')


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
