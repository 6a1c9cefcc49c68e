# SPDX-License-Identifier: Apache-2.0
"""The training command: Lightning's, with our models and data."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml
from lightning.pytorch.utilities.exceptions import MisconfigurationException

from afformer_core.errors import AfformerError
from afformer_core.training.experiment import Experiment, GroundingExperiment
from afformer_core.training.hands.experiment import HandExperiment

EXPERIMENTS: Mapping[str, type[Experiment]] = {
    kind.name: kind for kind in (GroundingExperiment, HandExperiment)
}
# Warnings of Lightning's that are wrong here, each after the reason.
_SAID_IN_VAIN = (
    # The command is one of several, so that the arguments of the process are not its own.
    "LightningCLI's args parameter",
    # Batches are drawn by their step, and a checkpoint knows its step.
    "You're resuming from a checkpoint that ended before",
    # Batch norms keep the statistics that they were pre-trained with.
    r'Found \d+ module\(s\) in eval mode',
    # A resumed training finds its checkpoints.
    'Checkpoint directory .* exists',
    # Lightning itself asks for it.
    r'`isinstance\(treespec, LeafSpec\)` is deprecated',
    # How many workers there are, the experiment says; with a cache or features, none is fastest.
    'The .*dataloader.* does not have many workers',
    # Measures of a validation are made of what all processes found.
    'It is recommended to use `self.log.*sync_dist=True`',
    # Mixed precision keeps weights in 32 bits, by which the summary counts.
    'Precision .*-mixed is not supported by the model summary',
)
_FILE_OPTIONS = ('-c', '--config')
_NAME_OPTION = '--experiment'


def train(arguments: Sequence[str]) -> None:
    """Train as the arguments say.

    Args:
        arguments: of `afformer train`.

    Raises:
        AfformerError: bad input.
        KeyboardInterrupt: somebody interrupted; a checkpoint was written.
    """
    for name in ('lightning.pytorch', 'lightning.fabric'):
        logging.getLogger(name).setLevel(logging.WARNING)
    with warnings.catch_warnings():
        for message in _SAID_IN_VAIN:
            warnings.filterwarnings('ignore', message)
        warnings.filterwarnings('ignore', category=DeprecationWarning)
        experiment = _parse(arguments)
        try:
            experiment.fit()
        except SystemExit as stopped:
            # What Lightning makes of an interruption.
            if experiment.trainer.interrupted and stopped.code == 1:
                raise KeyboardInterrupt from None
            raise
        except MisconfigurationException as error:
            raise AfformerError(str(error)) from error


def _parse(arguments: Sequence[str]) -> Experiment:
    begins = (*_FILE_OPTIONS, '--model', '-h', '--help', '--print_config')
    if not any(argument.startswith(begins) for argument in arguments):
        raise AfformerError(
            'no experiment is given; give one with -c, such as '
            '-c config/train/simulated/small.yaml'
        )
    name = experiment_name(arguments)
    if name not in EXPERIMENTS:
        raise AfformerError(f'experiment is {name!r}; it must be one of {", ".join(EXPERIMENTS)}')
    try:
        return EXPERIMENTS[name](arguments)
    except MisconfigurationException as error:
        raise AfformerError(str(error)) from error
    except ValueError as error:
        # The parser hides what is wrong with the data behind the types that they might have.
        origin = error.__cause__ or error.__context__
        if 'Union subtypes' in str(error) and isinstance(origin, AfformerError | ValueError):
            raise origin from None
        raise


def experiment_name(arguments: Sequence[str]) -> str:
    """What is trained: the last `experiment` among files and options, or `grounding`.

    The options of a model depend on what it is, so that this is found before they are parsed.

    Args:
        arguments: of `afformer train`.
    """
    name = GroundingExperiment.name
    for option, value in _options(arguments):
        if option == _NAME_OPTION:
            name = value
        elif option in _FILE_OPTIONS:
            name = _name_in(Path(value), name)
    return name


def _options(arguments: Sequence[str]) -> list[tuple[str, str]]:
    """Options with their values, whether these stand behind `=` or in the next argument."""
    found = []
    for index, argument in enumerate(arguments):
        option, equals, value = argument.partition('=')
        following = arguments[index + 1] if index + 1 < len(arguments) else ''
        found.append((option, value if equals else following))
    return found


def _name_in(path: Path, otherwise: str) -> str:
    """What a YAML file gives as `experiment`; what is wrong with the file the parser says."""
    try:
        fields = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (OSError, ValueError, yaml.YAMLError):
        return otherwise
    return str(fields.get('experiment', otherwise)) if isinstance(fields, dict) else otherwise
