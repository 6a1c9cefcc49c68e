# SPDX-License-Identifier: Apache-2.0
"""The training command: Lightning's, with our models and data."""

from __future__ import annotations

import argparse
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from afformer_core.errors import AfformerError
from afformer_core.files.paths import why_not_local

if TYPE_CHECKING:
    from afformer_core.offline.training.training_cli import TrainingCli

# Warnings of Lightning that do not apply here, each preceded by the reason.
_SAID_IN_VAIN = (
    # The command is one of several, so its arguments are not those of the process.
    "LightningCLI's args parameter",
    # Batches depend only on the step, which a checkpoint stores.
    "You're resuming from a checkpoint that ended before",
    # Batch norms keep their pretrained statistics.
    r'Found \d+ module\(s\) in eval mode',
    # A resumed training already has checkpoints.
    'Checkpoint directory .* exists',
    # Lightning itself calls it.
    r'`isinstance\(treespec, LeafSpec\)` is deprecated',
    # The configuration sets the number of workers; with a cache or features, 0 is fastest.
    'The .*dataloader.* does not have many workers',
    # Validation measures are computed from the results of all processes.
    'It is recommended to use `self.log.*sync_dist=True`',
    # Mixed precision keeps weights in 32 bits, as the summary assumes.
    'Precision .*-mixed is not supported by the model summary',
)


def train(arguments: Sequence[str]) -> None:
    """Train with the given arguments.

    Args:
        arguments: arguments of `afformer train`.

    Raises:
        AfformerError: the input is wrong.
        KeyboardInterrupt: the training was interrupted, and a checkpoint was written.
    """
    with without_needless_warnings():
        training = parse_training(arguments)
        from lightning.pytorch.utilities.exceptions import MisconfigurationException

        try:
            training.fit()
        except SystemExit as stopped:
            # Lightning converts an interruption to this exit.
            if training.trainer.interrupted and stopped.code == 1:
                raise KeyboardInterrupt from None
            raise
        except MisconfigurationException as error:
            raise AfformerError(str(error)) from error


@contextmanager
def without_needless_warnings() -> Iterator[None]:
    """Suppress irrelevant warnings of Lightning."""
    for name in ('lightning.pytorch', 'lightning.fabric'):
        logging.getLogger(name).setLevel(logging.WARNING)
    with warnings.catch_warnings():
        for message in _SAID_IN_VAIN:
            warnings.filterwarnings('ignore', message)
        warnings.filterwarnings('ignore', category=DeprecationWarning)
        yield


def parse_training(arguments: Sequence[str]) -> TrainingCli:
    """Build the model, data and trainer of the arguments.

    Args:
        arguments: arguments of `afformer train`.

    Raises:
        AfformerError: the input is wrong.
    """
    begins = ('-c', '--config', '--model', '-h', '--help', '--print_config')
    if not any(argument.startswith(begins) for argument in arguments):
        raise AfformerError(
            'no configuration was given. Give one, such as -c config/train/simulated/small.yaml'
        )
    name = task_name(arguments)
    from lightning.pytorch.utilities.exceptions import MisconfigurationException

    from afformer_core.offline.training.training_cli import TASKS

    if name not in TASKS:
        raise AfformerError(f'task is {name!r}; expected one of {", ".join(TASKS)}')
    try:
        return TASKS[name](arguments)
    except (MisconfigurationException, argparse.ArgumentError) as error:
        raise AfformerError(f'{error}. Run `afformer train --help`') from error
    except ValueError as error:
        # The parser hides errors in the data behind a list of types.
        origin = error.__cause__ or error.__context__
        if 'Union subtypes' in str(error) and isinstance(origin, AfformerError | ValueError):
            raise origin from None
        raise


def task_name(arguments: Sequence[str]) -> str:
    """Return the task: that of the option, or the last one in files, or `grounding`.

    The options of a model depend on the task, which is therefore determined before they are
    parsed.

    Args:
        arguments: arguments of `afformer train`.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument('-c', '--config', action='append', default=[])
    parser.add_argument('--task')
    parsed, _ = parser.parse_known_args(list(arguments))
    name = 'grounding'
    for file in parsed.config:
        name = str(read_configuration(file).get('task', name))
    return parsed.task or name


def read_configuration(file: str | Path) -> Mapping[str, Any]:
    """Read a YAML file of settings.

    Raises:
        AfformerError: there is no such file on this machine, or it holds no settings.
    """
    if refusal := why_not_local(file, 'file'):
        raise AfformerError(refusal)
    try:
        content = yaml.safe_load(Path(file).read_text('utf-8'))
        if not isinstance(content, Mapping):
            raise ValueError('it holds no settings')
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise AfformerError(f'{file} cannot be used: {error}. Check path and content') from error
    return content
