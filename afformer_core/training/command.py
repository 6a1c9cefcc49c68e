# SPDX-License-Identifier: Apache-2.0
"""The training command: Lightning's, with our model and data."""

from __future__ import annotations

import logging
import shlex
import warnings
from argparse import RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jsonargparse import DefaultHelpFormatter
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI, SaveConfigCallback
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities.exceptions import MisconfigurationException

from afformer_core.errors import AfformerError
from afformer_core.runtime.model_folder import write_aside
from afformer_core.training.checkpoint_files import WholeCheckpoints
from afformer_core.training.data_module import GroundingData
from afformer_core.training.heatmap_pictures import HeatmapPictures
from afformer_core.training.last_checkpoint import LastCheckpoint
from afformer_core.training.model_writer import ModelWriter
from afformer_core.training.module import GroundingTraining
from afformer_core.training.resuming import require_checkpoint_of, require_same_experiment
from afformer_core.training.trainer_options import require_honoured

_DTYPES = {'float32': torch.float32, 'float16': torch.float16}
_LAST = 'last.ckpt'
_CONFIGURATION = 'config.yaml'
_DESCRIPTION = (
    'Train a model as YAML files and options say. config/train has an experiment in each file; '
    'what stands in a later file or option replaces what came before. Paths are relative to the '
    'folder that the command is given in.'
)
_EXAMPLE = """examples:
  afformer train -c config/train/sim_small.yaml --output models/sim_small
  afformer train -c config/train/opra_r50.yaml -c config/train/ablations/single_scale.yaml \\
      --output models/single_scale --trainer.devices 4 --data.batch_size 32
"""
# Lightning's warnings about what is meant: our batches know where to go on, batch norms keep the
# statistics that they were pre-trained with, and a resumed training finds its checkpoints.
_SAID_IN_VAIN = (
    "LightningCLI's args parameter",
    "You're resuming from a checkpoint that ended before",
    r'Found \d+ module\(s\) in eval mode',
    'Checkpoint directory .* exists',
    r'`isinstance\(treespec, LeafSpec\)` is deprecated',
    'The .*dataloader.* does not have many workers',
    'It is recommended to use `self.log.*sync_dist=True`',
)


class _ExamplesAsTyped(RawDescriptionHelpFormatter, DefaultHelpFormatter):
    """Keeps the lines of the examples."""


class ExperimentSaver(SaveConfigCallback):
    """Writes the whole configuration as `config.yaml` beside the weights."""

    def setup(self, trainer: Trainer, pl_module: Any, stage: str) -> None:
        """Write, in the first process."""
        if trainer.is_global_zero:
            content = self.parser.dump(self.config)
            write_aside(Path(self.config.output) / _CONFIGURATION, content.encode())


class TrainingCommand(LightningCLI):
    """Parses an experiment, from YAML files and options, and makes what it asks for.

    Args:
        arguments: of `afformer train`.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self._arguments = list(arguments)
        super().__init__(
            GroundingTraining,
            GroundingData,
            save_config_callback=ExperimentSaver,
            seed_everything_default=0,
            subclass_mode_data=True,
            args=self._arguments,
            run=False,
            auto_configure_optimizers=False,
            load_from_checkpoint_support=False,
            parser_kwargs={
                'prog': 'afformer train',
                'description': _DESCRIPTION,
                'epilog': _EXAMPLE,
                'formatter_class': _ExamplesAsTyped,
            },
        )

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add what is not Lightning's, and tie the data to the model."""
        parser.add_argument(
            '--output',
            type=Path,
            required=True,
            help='model folder to write; training goes on from its last checkpoint',
        )
        parser.add_argument(
            '--checkpoint_steps', type=int, default=500, help='steps between two checkpoints'
        )
        parser.add_argument(
            '--weights_type',
            choices=tuple(_DTYPES),
            default='float32',
            help='type that the weights of the model folder are stored in',
        )
        parser.link_arguments('model.architecture.input_size', 'data.init_args.input_size')
        parser.link_arguments('data.action_names', 'model.action_names', apply_on='instantiate')

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """The trainer, with what every experiment has before what its configuration adds."""
        output = Path(self.config.output)
        given = {**self.config_init.trainer, **kwargs}
        if given['logger'] in (None, True):
            given['logger'] = TensorBoardLogger(str(output), name='tensorboard', version='')
        given['callbacks'] = [*_listed(given['callbacks']), *self._callbacks(output)]
        given['plugins'] = [WholeCheckpoints(), *_listed(given['plugins'])]
        given['default_root_dir'] = str(output)
        # The batches know how processes share them.
        given['use_distributed_sampler'] = False
        return self._instantiate_trainer(given, [])

    def _callbacks(self, output: Path) -> list[Callback]:
        checkpoints = output / 'checkpoints'
        command = shlex.join(['afformer', 'train', *self._arguments])
        dtype = _DTYPES[self.config.weights_type]
        callbacks: list[Callback] = [ModelWriter(output, {'commands': [command]}, dtype)]
        if self.datamodule.validation_samples:
            best = ModelCheckpoint(
                checkpoints, 'best', monitor='validation/kld', enable_version_counter=False
            )
            callbacks += [HeatmapPictures(), best]
        return [*callbacks, LastCheckpoint(checkpoints / _LAST, self.config.checkpoint_steps)]

    def fit(self) -> None:
        """Train, from the last checkpoint on where there is one.

        Raises:
            AfformerError: an option of the trainer is not honoured, the checkpoint is damaged, of
                another architecture or another experiment, or a file cannot be read or written.
        """
        require_honoured(self.config.trainer)
        output = Path(self.config.output)
        last = output / 'checkpoints' / _LAST
        resumed = last.is_file()
        if resumed:
            require_checkpoint_of(last, self.model)
            require_same_experiment(output / _CONFIGURATION, self.parser.dump(self.config))
        self.trainer.fit(
            self.model,
            datamodule=self.datamodule,
            ckpt_path=str(last) if resumed else None,
            weights_only=True,
        )


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
        command = _parse(arguments)
        try:
            command.fit()
        except SystemExit as stopped:
            # What Lightning makes of an interruption.
            if command.trainer.interrupted and stopped.code == 1:
                raise KeyboardInterrupt from None
            raise
        except MisconfigurationException as error:
            raise AfformerError(str(error)) from error


def _listed(given: Any) -> list[Any]:
    """What may be nothing, one, or several of something, as Lightning takes it."""
    if given is None:
        return []
    return list(given) if isinstance(given, Sequence) else [given]


def _parse(arguments: Sequence[str]) -> TrainingCommand:
    begins = ('-c', '--config', '--model', '-h', '--help', '--print_config')
    if not any(argument.startswith(begins) for argument in arguments):
        raise AfformerError(
            'no experiment is given; give one with -c, such as -c config/train/sim_small.yaml'
        )
    try:
        return TrainingCommand(arguments)
    except MisconfigurationException as error:
        raise AfformerError(str(error)) from error
    except ValueError as error:
        # The parser hides what is wrong with the data behind the types that they might have.
        origin = error.__cause__ or error.__context__
        if 'Union subtypes' in str(error) and isinstance(origin, AfformerError | ValueError):
            raise origin from None
        raise
