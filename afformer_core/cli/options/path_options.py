# SPDX-License-Identifier: Apache-2.0
"""Types of arguments for input and output files and folders, on this machine or at a URL.

Each path argument of a subcommand has one of these types, so that `main` can distinguish inputs
and outputs. It rejects URLs that would become folders such as `s3:`, and outputs that would
replace an input.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from afformer_core.files.paths import NamedPath, why_not_local

STDOUT = '-'
"""Name of the file that means the standard output."""


@dataclass(frozen=True)
class PathOption:
    """The type of an argument that is a path.

    Attributes:
        use: whether it is read, written, or a store that is both.
        kind: kind of file.
        urls: whether it may be a URL instead.
        as_text: return the text, because some of its values are not paths.
    """

    use: Literal['input', 'output', 'store']
    kind: Literal['file', 'folder', 'file or folder']
    urls: bool = False
    as_text: bool = False

    def __call__(self, text: str) -> Path | str:
        """Convert an argument.

        Raises:
            argparse.ArgumentTypeError: the value is a URL that is not allowed.
        """
        if not self.urls and (
            refusal := why_not_local(text, self.kind, is_written=self.use != 'input')
        ):
            raise argparse.ArgumentTypeError(refusal)
        return text if self.as_text else Path(text)


INPUT_FILE = PathOption('input', 'file')
INPUT_FOLDER = PathOption('input', 'folder')
INPUT_PATH = PathOption('input', 'file or folder')
INPUT_NAME = replace(INPUT_PATH, as_text=True)
"""A file, a folder, or the name of a shipped or stored item."""
INPUT_URL = replace(INPUT_PATH, urls=True)
OUTPUT_FILE = PathOption('output', 'file')
OUTPUT_FOLDER = PathOption('output', 'folder')
OUTPUT_PATH = PathOption('output', 'file or folder')
"""A file, or a folder if the name has no extension."""
REPORT_FILE = replace(OUTPUT_FILE, as_text=True)
"""A file, or `STDOUT`."""
STORE = PathOption('store', 'folder')


def input_paths(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> list[NamedPath]:
    """Return the files and folders that exist and are read, without the part after `#`."""
    named = _named(parser, arguments, 'input')
    return [(name, file) for name, path in named if (file := _file(path)) is not None]


def output_paths(
    parser: argparse.ArgumentParser, arguments: argparse.Namespace
) -> list[NamedPath]:
    """Return the files and folders that are written."""
    return list(_named(parser, arguments, 'output'))


def _named(
    parser: argparse.ArgumentParser, arguments: argparse.Namespace, use: str
) -> Iterator[NamedPath]:
    for action in parser._actions:
        if not isinstance(action.type, PathOption) or action.type.use != use:
            continue
        if (given := getattr(arguments, action.dest)) in (None, STDOUT):
            continue
        name = max(action.option_strings, key=len, default=action.metavar or action.dest.upper())
        for path in given if isinstance(given, list) else [given]:
            yield str(name), Path(path)


def _file(path: Path) -> Path | None:
    """Return the file of a path such as `VIDEO#t=1.5,3` or `BAG#/TOPIC`, if it exists."""
    whole, _, _ = str(path).partition('#')
    return next(
        (candidate for candidate in (path, Path(whole)) if whole and candidate.exists()), None
    )
