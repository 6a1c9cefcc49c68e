# SPDX-License-Identifier: Apache-2.0
"""Command line of a training: Lightning's, with saved configuration, checkpoints and resuming."""

from __future__ import annotations

import shlex
import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, ClassVar

import torch
import yaml
from jsonargparse import ArgumentParser, DefaultHelpFormatter
from jsonargparse.typing import register_type
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ProgressBar, TQDMProgressBar
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI, SaveConfigCallback
from lightning.pytorch.loggers import TensorBoardLogger

from afformer_core.errors import AfformerError
from afformer_core.files.atomic import FolderHeldError, folder_lock, write_aside
from afformer_core.files.paths import NamedPath, require_inputs_kept, why_not_local
from afformer_core.files.provenance import provenance
from afformer_core.licences import Ingredient, merged, restricted
from afformer_core.offline.data.annotations import annotating_files
from afformer_core.offline.training.callbacks.model_writer import (
    LastCheckpoint,
    ModelWriter,
    WholeCheckpoints,
)
from afformer_core.offline.training.contact.module import ContactTraining
from afformer_core.offline.training.datasets.batched_data import BatchedData, GroundingData
from afformer_core.offline.training.hands.data import HandData
from afformer_core.offline.training.hands.module import HandTraining
from afformer_core.offline.training.module import GroundingTraining

_DTYPES = {'float32': torch.float32, 'float16': torch.float16, 'int8': torch.int8}
# Steps between points of the curves if `trainer.log_every_n_steps` is not given.
_STEPS_OF_A_POINT = 10
_INPUT_SIZE = ('model.architecture.input_size', 'data.init_args.input_size', 'parse')
_LAST = 'last.ckpt'
_CONFIGURATION = 'config.yaml'
_DESCRIPTION = """\
Train a model that YAML files and options configure. Each file in config/train is a
configuration. Later files and options override earlier ones. Paths are relative to
the current folder."""
_EXAMPLE = """examples:
  afformer train -c config/train/simulated/small.yaml --output models/sim_small
  afformer train -c config/train/opra/r50.yaml \\
      -c config/train/ablations/table_4c/strides_1_2_2.yaml \\
      --output models/strides_1_2_2 --trainer.devices 4 --data.batch_size 32
  afformer train -c config/train/hands/r50.yaml --output models/hands_r50
  afformer train -c config/train/hands/r50.yaml --help
"""


class _ExamplesAsTyped(RawDescriptionHelpFormatter, DefaultHelpFormatter):
    """A help formatter that keeps the lines of the examples."""


class ConfigurationSaver(SaveConfigCallback):
    """A writer of the whole configuration as `config.yaml` beside the weights."""

    def setup(self, trainer: Trainer, pl_module: Any, stage: str) -> None:
        """Write the configuration, in the first process."""
        if trainer.is_global_zero:
            content = self.parser.dump(self.config)
            write_aside(Path(self.config.output) / _CONFIGURATION, content.encode())


class TrainingCli(LightningCLI):
    """Command line of a training: parses YAML files and options, builds model, data and trainer.

    Args:
        arguments: arguments of `afformer train`.

    Attributes:
        name: value of `task` in YAML files.
        trained: class of the module that trains the model.
        data: class of the training data.
        data_is_chosen: whether YAML files name a subclass of `data`.
        links: options of the data or the model, those that they set, and when.
    """

    name: ClassVar[str]
    trained: ClassVar[type[LightningModule]]
    data: ClassVar[type[BatchedData]]
    data_is_chosen: ClassVar[bool] = True
    links: ClassVar[tuple[tuple[str, str, str], ...]]

    def __init__(self, arguments: Sequence[str]) -> None:
        self._arguments = list(arguments)
        # Parsers reject URLs as paths.
        register_type(Path, str, _as_path, type_check=isinstance)
        super().__init__(
            self.trained,
            self.data,
            save_config_callback=ConfigurationSaver,
            seed_everything_default=0,
            subclass_mode_data=self.data_is_chosen,
            args=self._arguments,
            run=False,
            auto_configure_optimizers=False,
            load_from_checkpoint_support=False,
            parser_kwargs={
                'prog': 'afformer train',
                'description': _DESCRIPTION,
                'epilog': _EXAMPLE,
                'formatter_class': _ExamplesAsTyped,
                'exit_on_error': False,
            },
        )

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add options beyond Lightning's, and tie the data to the model."""
        parser.add_argument(
            '--task',
            choices=(self.name,),
            default=self.name,
            help='kind of model to train; set by a YAML file',
        )
        parser.add_argument(
            '--output',
            type=Path,
            required=True,
            help='model folder to write; if it has a checkpoint, training resumes from it',
        )
        parser.add_argument(
            '--checkpoint_steps', type=int, default=500, help='number of steps between checkpoints'
        )
        parser.add_argument(
            '--weights_type',
            choices=tuple(_DTYPES),
            default='float32',
            help='data type in which the model folder stores the weights',
        )
        for source, target, when in self.links:
            parser.link_arguments(source, target, apply_on=when)

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse the arguments, with null where an option of the data is null."""
        super().parse_arguments(parser, args)
        restore_null(parser, self.config)

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Build the trainer, with the task's callbacks after those of the configuration."""
        output = Path(self.config.output)
        given = {**self.config_init.trainer, **kwargs}
        # A short training also needs a point of its curves at the last step.
        given['log_every_n_steps'] = min(
            given['log_every_n_steps'] or _STEPS_OF_A_POINT, max(1, given['max_steps'])
        )
        if not self.datamodule.validation_samples:
            given['limit_val_batches'] = 0
        if given['logger'] in (None, True):
            given['logger'] = TensorBoardLogger(str(output), name='tensorboard', version='')
        given['callbacks'] = [*_listed(given['callbacks']), *self._callbacks(output)]
        bars = [callback for callback in given['callbacks'] if isinstance(callback, ProgressBar)]
        if given['enable_progress_bar'] in (None, True) and not bars:
            # Each update of the bar reads the losses, for which the host waits for a GPU.
            given['callbacks'].append(TQDMProgressBar(given['log_every_n_steps']))
        given['plugins'] = [WholeCheckpoints(), *_listed(given['plugins'])]
        given['default_root_dir'] = str(output)
        # The batch samplers distribute batches to processes themselves.
        given['use_distributed_sampler'] = False
        return self._instantiate_trainer(given, [])

    def _ingredients(self) -> tuple[Ingredient, ...]:
        """Return the data and weights from which the model is made, each once."""
        return merged((*self.model.ingredients, *self.datamodule.ingredients()))

    def _callbacks(self, output: Path) -> list[Callback]:
        files = [file for _, path in _input_paths(self.config) for file in annotating_files(path)]
        seed = self.config.seed_everything
        description: Mapping[str, Any] = {
            'commands': [shlex.join(['afformer', 'train', *self._arguments])],
            'provenance': provenance(None if isinstance(seed, bool) else seed, files),
        }
        dtype = _DTYPES[self.config.weights_type]
        return [
            ModelWriter(output, description, dtype, self._ingredients),
            LastCheckpoint(output / 'checkpoints' / _LAST, self.config.checkpoint_steps),
        ]

    def fit(self) -> None:
        """Train, starting from the last checkpoint if there is one.

        A training that already has all its steps is not changed, and a message is printed.

        Raises:
            AfformerError: the number of steps is missing, another process trains in the
                folder, the checkpoint is damaged or has another configuration, or a file
                cannot be read or written.
            ValueError: the output folder is an input.
        """
        if self.config.trainer.max_steps < 1:
            raise AfformerError(
                f'trainer.max_steps is {self.config.trainer.max_steps}; expected at least 1 for '
                'the schedule'
            )
        require_inputs_kept([('--output', self.config.output)], _input_paths(self.config))
        output = Path(self.config.output)
        # One process represents all processes of a training.
        with alone_in(output) if self.trainer.is_global_zero else nullcontext():
            self._fit(output)

    def _fit(self, output: Path) -> None:
        last = output / 'checkpoints' / _LAST
        resumed = last.is_file()
        if resumed:
            steps = finished_steps(last)
            require_same_configuration(output / _CONFIGURATION, self.parser.dump(self.config))
            if steps >= self.trainer.max_steps:
                if self.trainer.is_global_zero:
                    print(
                        f'{output} is already trained for {steps} steps. Raise trainer.max_steps '
                        'or give another output folder'
                    )
                return
        self._say_restricted()
        self.trainer.fit(
            self.model,
            datamodule=self.datamodule,
            ckpt_path=str(last) if resumed else None,
            weights_only=True,
        )

    def _say_restricted(self) -> None:
        """Warn about data and weights with restrictions on use."""
        used = [
            ingredient for ingredient in self._ingredients() if ingredient.use != 'validation data'
        ]
        if not self.trainer.is_global_zero or not (found := restricted(used)):
            return
        named = ', '.join(
            f'{ingredient.origin.source} ({ingredient.use}, licence {ingredient.origin.licence})'
            for ingredient in found
        )
        print(
            f'afformer: warning: the licence of {named} is non-commercial or unknown, and so is '
            'that of the model. If the files of the data do not name their licence, set it as '
            'licence of the data',
            file=sys.stderr,
        )


def _listed(given: Any) -> list[Any]:
    """Convert nothing, one, or several objects, as Lightning accepts them, to a list."""
    if given is None:
        return []
    return list(given) if isinstance(given, Sequence) else [given]


class GroundingTrainingCli(TrainingCli):
    """Command line of the training of a grounding model (see `TrainingCli`)."""

    name = 'grounding'
    trained: ClassVar[type[LightningModule]] = GroundingTraining
    data = GroundingData
    links = (_INPUT_SIZE, ('data.action_names', 'model.action_names', 'instantiate'))


class ContactTrainingCli(TrainingCli):
    """Command line of the training of a contact head (see `TrainingCli`)."""

    name = 'contact'
    trained = ContactTraining
    data = GroundingData
    links = (_INPUT_SIZE,)


class HandTrainingCli(TrainingCli):
    """Command line of the training of a hand detector (see `TrainingCli`)."""

    name = 'hands'
    trained = HandTraining
    data = HandData
    data_is_chosen = False
    links = ()


TASKS = {kind.name: kind for kind in TrainingCli.__subclasses__()}
# Folders that a training both fills and reads.
_STORES = ('output', 'cache_folder')


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


# Settings that may change between interruption and resuming.
_FREE = ('data.workers', 'data.init_args.workers', 'data.init_args.cache_folder')
_BOUND = ('model.', 'data.')


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Lock a model folder against other trainings; create it if missing.

    Raises:
        AfformerError: another process is training in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with folder_lock(folder, patient=False):
            yield
    except FolderHeldError as error:
        raise AfformerError(
            f'{folder} is being trained by another process. Wait until it ends, or give another '
            'output folder'
        ) from error


def finished_steps(path: Path) -> int:
    """Read the number of finished steps of a training from its checkpoint.

    Raises:
        AfformerError: the checkpoint is damaged.
    """
    try:
        content = torch.load(path, map_location='cpu', weights_only=True, mmap=True)
        return int(content['global_step'])
    except Exception as error:
        raise AfformerError(
            f'{path} is not a checkpoint that training can resume from ({type(error).__name__}: '
            f'{error}). Remove it, or give another output folder'
        ) from error


def require_same_configuration(path: Path, content: str) -> None:
    """Check that the configuration of model and data has not changed.

    Optimizer and order are restored from the checkpoint, so new values would be stored but not
    used.

    Args:
        path: path of the earlier configuration, if it exists.
        content: the new configuration, as YAML.

    Raises:
        AfformerError: settings differ, other than those of the machine and the number of steps.
    """
    if not path.is_file():
        return
    before, now = (_flat(yaml.safe_load(text)) for text in (path.read_text('utf-8'), content))
    differing = [
        key
        for key in sorted(before.keys() | now.keys())
        if key.startswith(_BOUND) and key not in _FREE and before.get(key) != now.get(key)
    ]
    if differing:
        key = differing[0]
        raise AfformerError(
            f'{key} is {now.get(key)!r}; expected {before.get(key)!r} as in the training in '
            f'{path.parent} ({len(differing)} settings differ). Give another output folder '
            'to start again; --model.initial sets the initial weights'
        )


def _flat(fields: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
    found = {}
    for name, value in fields.items():
        if isinstance(value, Mapping):
            found.update(_flat(value, f'{prefix}{name}.'))
        else:
            found[f'{prefix}{name}'] = value
    return found
