# SPDX-License-Identifier: Apache-2.0
"""Types of arguments for input and output files and folders, on this machine or at a URL.

Each path argument of a subcommand has one of these types, so that `main` can check inputs and
outputs before it imports large libraries. It rejects URLs that would become folders such as `s3:`.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from afformer_core.files.paths import NamedPath, as_url, require_inputs_kept, why_not_local

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
    kind: Literal['file', 'folder', 'file or folder', 'model folder']
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
MODEL = PathOption('input', 'model folder')
"""A folder with `model.json`, or the name of the shipped model."""
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


def usable_inputs(
    parser: argparse.ArgumentParser, arguments: argparse.Namespace
) -> list[NamedPath]:
    """Check inputs and outputs, and return the inputs without the part after `#`.

    Raises:
        ValueError: an input does not exist, or an output cannot be written or is an input.
        ModelFolderError: the description or the weights of a model are missing or damaged.
    """
    named = list(_named(parser, arguments))
    read = [(name, _file(path)) for option, name, path in named if option.use == 'input']
    inputs = [(name, file) for name, file in read if file is not None]
    outputs = [(name, path) for option, name, path in named if option.use == 'output']
    require_inputs_kept(outputs, inputs)
    for option, name, path in named:
        if problem := _problem(option, path):
            raise ValueError(f'{name} is {path}, {problem}')
    return inputs


def _named(
    parser: argparse.ArgumentParser, arguments: argparse.Namespace
) -> Iterator[tuple[PathOption, str, Path]]:
    """Yield the type, the name and the value of each argument that is a path."""
    for action in parser._actions:
        given = getattr(arguments, action.dest, None)
        if not isinstance(action.type, PathOption) or given in (None, STDOUT):
            continue
        name = max(action.option_strings, key=len, default=action.metavar or action.dest.upper())
        for path in given if isinstance(given, list) else [given]:
            yield action.type, str(name), Path(path)


def _problem(option: PathOption, path: Path) -> str:
    """Explain why a path cannot be used, and what to do; empty if it can."""
    # A name of a shipped or stored item is checked with the items.
    if option == INPUT_NAME or (option.urls and as_url(path) is not None):
        return ''
    if option == MODEL:
        from afformer_core.runtime import model_folder, shipped_model

        for folder in model_folder.network_folders(shipped_model.model_folder(path)):
            model_folder.checked_weights_path(folder, model_folder.read_network(folder))
        return ''
    found = _file(path) if option.use == 'input' else path
    if found is None:
        return f'which does not exist; expected a {option.kind}. Check the path'
    kind = 'folder' if found.is_dir() else 'file'
    if found.exists() and kind not in option.kind:
        return f'which is a {kind}; expected a {option.kind}. Give another path'
    if option.use == 'input':
        return ''
    folder = path if path.is_dir() else next(up for up in path.absolute().parents if up.exists())
    try:
        # The mode of a folder does not tell whether its file system can be written.
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        return f'but {folder} cannot be written ({error.strerror}). Give another path'
    return ''


def _file(path: Path) -> Path | None:
    """Return the file of a path such as `VIDEO#t=1.5,3` or `BAG#/TOPIC`, if it exists."""
    whole, _, _ = str(path).partition('#')
    return next(
        (candidate for candidate in (path, Path(whole)) if whole and candidate.exists()), None
    )
