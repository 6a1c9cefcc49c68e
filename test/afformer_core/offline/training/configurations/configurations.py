# SPDX-License-Identifier: Apache-2.0
"""The files of config/train, and what the parser of `afformer train` makes of them."""

from __future__ import annotations

import functools
import itertools
import re
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonargparse import ArgumentParser

from afformer_core.actions import OPRA_ACTIONS
from afformer_core.offline.training.architecture import Architecture
from afformer_core.offline.training.command import task_name
from afformer_core.offline.training.training_cli import TASKS

CONFIGURATIONS = Path(__file__).parents[5] / 'config' / 'train'
_EXAMPLES = {'grounding': 'own_pairs', 'hands': 'hands/r50'}
# What is given after a configuration.
OVERLAYS = sorted(
    path
    for folder in ('ablations', 'as_published', 'ours')
    for path in CONFIGURATIONS.glob(f'{folder}/**/*.yaml')
)


def label(configuration: Path) -> str:
    """As the documentation calls it: its path in config/train, without its ending."""
    return configuration.relative_to(CONFIGURATIONS).with_suffix('').as_posix()


def files_of_example(overlay: Path) -> list[Path]:
    """The files of the command in a file's opening comment."""
    lines = overlay.read_text().splitlines()
    comment = itertools.takewhile(lambda line: line.startswith('#'), lines)
    names = re.findall(r'-c config/train/(\S+)', ' '.join(comment))
    return [CONFIGURATIONS / name for name in names]


@functools.cache
def resolved(*labels: str) -> dict[str, Any]:
    """Every value of a configuration by its dotted name, with that of each default.

    Below `model.architecture` are the fields of `AfformerConfiguration`, as OPRA's model has them.
    What the parser leaves out because it is null is not there.
    """
    words = [f'-c={CONFIGURATIONS / each}.yaml' for each in labels]
    parser = _parser(task_name(words))
    fields = yaml.safe_load(parser.dump(parser.parse_args(words)))
    values = _flat(fields)
    given = fields['model']['architecture']
    # The architecture of a hand detector is a name.
    if isinstance(given, dict):
        given = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
        configuration = Architecture(**given).configuration(OPRA_ACTIONS)
        architecture = {f'model.architecture.{k}': v for k, v in asdict(configuration).items()}
        values = {k: v for k, v in values.items() if not k.startswith('model.architecture.')}
        values |= architecture
    return values


def changes(overlay: Path) -> dict[str, Any]:
    """What a file changes of its example's configuration: its values by their dotted names."""
    files = [label(path) for path in files_of_example(overlay)]
    before = files[: files.index(label(overlay))]
    without, with_it = resolved(*before), resolved(*before, label(overlay))
    return {
        key: with_it.get(key)
        for key in sorted(without.keys() | with_it.keys())
        if without.get(key) != with_it.get(key)
    }


@functools.cache
def _parser(task: str) -> ArgumentParser:
    """Of a kind of configuration, of which nothing is made."""
    kind = TASKS[task]
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setattr(kind, 'instantiate_classes', lambda self: None)
        warnings.filterwarnings('ignore', "LightningCLI's args parameter")
        return kind([f'-c={CONFIGURATIONS / _EXAMPLES[task]}.yaml']).parser


def _flat(fields: dict[str, Any], prefix: str = '') -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in fields.items():
        values |= (
            _flat(value, f'{prefix}{key}.')
            if isinstance(value, dict)
            else {f'{prefix}{key}': value}
        )
    return values
