# SPDX-License-Identifier: Apache-2.0
"""Paths in YAML files and options of a training, which are local or null."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser
from jsonargparse.typing import register_type

from afformer_core.files.paths import NamedPath, require_inputs_kept, why_not_local

# Folders that a training both fills and reads.
_STORES = ('output', 'cache_folder')


def register_paths() -> None:
    """Make parsers reject URLs as paths."""
    register_type(Path, str, _as_path, type_check=isinstance)


def restore_null(parser: ArgumentParser, configuration: Any) -> None:
    """Set every path that was set to null to None, or end with an error if it is required.

    The parser passes null on to an option inside an option as the text `None`.

    Args:
        parser: parser of the configuration.
        configuration: its namespace, which is changed.
    """
    for name, value in list(configuration.items()):
        if value == Path('None'):
            configuration[name] = None
    try:
        parser.validate(configuration)
    except (TypeError, ValueError) as error:
        parser.error(str(error))


def require_inputs_of_training_kept(configuration: Any) -> None:
    """Raise an error if the output folder of a parsed configuration is one of its inputs.

    Raises:
        ValueError: see `require_inputs_kept`.
    """
    require_inputs_kept([('--output', configuration.output)], _input_paths(configuration))


def _input_paths(configuration: Any) -> Iterator[NamedPath]:
    for name, value in configuration.items():
        if name.rpartition('.')[2] in _STORES:
            continue
        for path in value if isinstance(value, list | tuple) else (value,):
            if isinstance(path, Path):
                yield f'--{name.replace(".init_args", "")}', path


def _as_path(text: str) -> Path:
    if (refusal := why_not_local(text)) is not None:
        raise ValueError(refusal)
    return Path(text)
