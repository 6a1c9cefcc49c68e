# SPDX-License-Identifier: Apache-2.0
"""The data of a pretraining of config/train, without its model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import ArgumentError, ArgumentParser

from afformer_core.errors import AfformerError
from afformer_core.offline.maskahand.pretraining.pretraining_data import MaskAHandData
from afformer_core.offline.training.training_cli import register_paths

_KIND = f'{MaskAHandData.__module__}.{MaskAHandData.__qualname__}'


def configured_data(configurations: Sequence[Path], seed: int | None = None) -> MaskAHandData:
    """Build the data of YAML files of `afformer train`, without the validation.

    Args:
        configurations: files, of which later ones override earlier ones; at least one.
        seed: seed that replaces the data's own; None: the data's own.

    Raises:
        AfformerError: a file cannot be read, or the files do not describe a pre-training.
        DatasetError: the index cannot be read.
        ValueError: an option is out of range.
    """
    merged: dict[str, Any] = {}
    for path in configurations:
        merged = _merged(merged, _read(path))
    names = ', '.join(map(str, configurations))
    if (kind := _at(merged, 'data', 'class_path')) != _KIND:
        raise AfformerError(
            f'data.class_path of {names} is {kind!r}; expected {_KIND}. Give a configuration of '
            'pre-training such as config/train/maskahand/simulated.yaml'
        )
    given = _at(merged, 'data', 'init_args') or {}
    if not isinstance(given, Mapping):
        raise AfformerError(
            f'{names}: data.init_args is {given!r}; expected options by name, as in '
            'config/train/maskahand/simulated.yaml'
        )
    size = _at(merged, 'model', 'architecture', 'input_size')
    if size is None:
        raise AfformerError(
            f'model.architecture.input_size of {names} is missing; expected (height, width) of '
            'images, such as [128, 128]'
        )
    given = {**given, 'input_size': size}
    if seed is not None:
        given['seed'] = seed
    register_paths()
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(MaskAHandData, 'data')
    try:
        parsed = parser.parse_object({'data': given})
    except ArgumentError as error:
        raise AfformerError(f'{names}: {error}') from error
    # The options of the validation are also checked, but its annotations need not exist.
    parsed.data.validation = None
    data: MaskAHandData = parser.instantiate_classes(parsed).data
    return data


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (OSError, yaml.YAMLError) as error:
        raise AfformerError(f'configuration {path} cannot be read: {error}') from error
    if not isinstance(content, dict):
        raise AfformerError(
            f'{path} contains {type(content).__name__}; expected a configuration as in '
            'config/train'
        )
    return content


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Merge the second mapping into the first, group by group."""
    merged = dict(first)
    for name, value in second.items():
        old = merged.get(name)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            value = _merged(old, value)
        merged[name] = value
    return merged


def _at(content: Any, *names: str) -> Any:
    """Return the value under nested names; None if there is none."""
    for name in names:
        content = content.get(name) if isinstance(content, Mapping) else None
    return content
