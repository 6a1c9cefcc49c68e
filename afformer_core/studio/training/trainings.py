# SPDX-License-Identifier: Apache-2.0
"""The trainings of a server, which continue when pages are closed."""

from __future__ import annotations

import asyncio
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import yaml

from afformer_core.errors import AfformerError
from afformer_core.exit_status import describe_exit
from afformer_core.files.paths import share_folders
from afformer_core.runtime.model_folder import DESCRIPTION_FILE
from afformer_core.studio.training.model_folders import ModelFolders
from afformer_core.studio.training.training_process import (
    LOG_FILE,
    TrainingProcess,
    TrainingState,
    is_trained_now,
)

CONFIGURATION_FILE = 'config.yaml'
"""Name of the configuration of a training, in its model folder."""

_REPORT_FILE = 'comparison.html'
_CONFIGURATION = Path('config/train/own_pairs.yaml')
# Packages of the extra `offline`.
_PACKAGES = ('lightning', 'jsonargparse', 'tensorboard')
_CHECKPOINT_STEPS = 50
_MOST_STEPS = 1_000_000
_DEFAULT_STEPS = 500
# Cache of decoded frames beside the models, which several trainings share.
_FRAMES = '.frames'
_SECONDS_TO_END = 60.0
_SHOWN_BYTES, _SHOWN_LINES = 4000, 12


class Trainings:
    """The trainings in the model folders; one at a time.

    Args:
        models: folders of models.
        pairs: folder of own pairs for training.
        configuration: configuration of trainings; None for `config/train/own_pairs.yaml`.

    Attributes:
        models: see the arguments.
    """

    def __init__(
        self, models: ModelFolders, pairs: Path, configuration: Path | None = None
    ) -> None:
        self.models = models
        self._pairs = pairs.resolve()
        self._configuration = (configuration or _shared_configuration()).resolve()
        self._process: TrainingProcess | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all trainings, the newest first."""
        begun = self.models.having(CONFIGURATION_FILE)
        latest = () if self._process is None else (self._process.folder.name,)
        return tuple(dict.fromkeys((*latest, *begun)))

    @property
    def default_steps(self) -> int:
        """The number of steps of the configuration."""
        if not self._configuration.is_file():
            return _DEFAULT_STEPS
        fields = yaml.safe_load(self._configuration.read_text(encoding='utf-8'))
        return int(fields.get('trainer', {}).get('max_steps', _DEFAULT_STEPS))

    def start(self, name: str, initial: str, steps: int) -> None:
        """Start a training.

        Args:
            name: name of its model, which must not exist.
            initial: name of the initial model.
            steps: number of steps.

        Raises:
            ValueError: a name is not a plain file name, or the number is not from 1 to 1,000,000.
            AfformerError: a model with that name exists, a training is running, or the
                configuration or a package is missing.
        """
        if not self._configuration.is_file():
            raise AfformerError(
                f'{self._configuration} does not exist; expected a configuration of trainings. '
                'Start the studio with --training-configuration FILE'
            )
        if not 1 <= steps <= _MOST_STEPS:
            raise ValueError(f'the number of steps is {steps}; expected 1 to {_MOST_STEPS:,}')
        folder = self.models.path(name)
        if any((folder / file).exists() for file in (CONFIGURATION_FILE, DESCRIPTION_FILE)):
            raise AfformerError(f'{folder} exists. Give another name, or resume it')
        options = {
            '--config': self._configuration,
            '--output': folder,
            '--model.initial': self.models.model(initial),
            '--data.train.annotations': self._pairs,
            '--data.cache_folder': self.models.folder / _FRAMES,
            '--trainer.max_steps': steps,
            '--checkpoint_steps': _CHECKPOINT_STEPS,
            # A step takes seconds without a GPU.
            '--trainer.log_every_n_steps': 1,
            # Writes each step into a file, unlike the bar of rich.
            '--trainer.callbacks+': 'lightning.pytorch.callbacks.TQDMProgressBar',
            '--trainer.enable_model_summary': 'false',
        }
        self._begin(folder, [f'{option}={value}' for option, value in options.items()])

    def resume(self, name: str) -> None:
        """Resume a training from its last checkpoint.

        Raises:
            ValueError: the name is not a plain file name.
            AfformerError: there is no such training, or a training is running.
        """
        folder = self.models.path(name)
        configuration = folder / CONFIGURATION_FILE
        if not configuration.is_file():
            raise AfformerError(f'{folder} contains no training to resume')
        self._begin(folder, [f'--config={configuration}'])

    def stop(self) -> None:
        """Request that the running training ends after its step, with a checkpoint."""
        if self._process is not None:
            self._process.stop()

    def state(self, name: str) -> TrainingState:
        """Return the state of a training."""
        process = self._process
        if process is not None and process.folder.name == name:
            return process.state
        folder = self.models.path(name)
        if is_trained_now(folder):
            return TrainingState.RUNNING
        if (folder / DESCRIPTION_FILE).is_file():
            return TrainingState.FINISHED
        return TrainingState.STOPPED

    def initial(self, name: str) -> str:
        """Return the name of the model with which a training began; empty if it is not known."""
        initial = self._setting(name, 'model', 'initial')
        known = self.models.models()
        paths = {name: {name, str(self.models.model(name))} for name in known}
        return next((name for name, given in paths.items() if initial in given), '')

    def steps(self, name: str) -> str:
        """Return the number of steps of a training as text; empty if it is not known."""
        return self._setting(name, 'trainer', 'max_steps')

    def output(self, name: str) -> str:
        """Return the last lines of the output of a training; empty if there is none."""
        try:
            with (self.models.path(name) / LOG_FILE).open('rb') as log:
                log.seek(max(0, os.fstat(log.fileno()).st_size - _SHOWN_BYTES))
                text = log.read().decode(errors='replace')
        except FileNotFoundError:
            return ''
        # A progress bar overwrites its line after a carriage return.
        lines = [line.rstrip('\r').rpartition('\r')[2] for line in text.split('\n')]
        lines = [line for line in lines if line.strip()][-_SHOWN_LINES:]
        process = self._process
        if process is not None and process.folder.name == name and process.exit_status:
            lines.append(f'It {describe_exit(process.exit_status)}.')
        return '\n'.join(lines)

    async def compare(self, name: str) -> Path:
        """Evaluate a model beside the one with which it began, and return the HTML report.

        Raises:
            AfformerError: it is not known, or `afformer evaluate` fails.
        """
        before, after = self.initial(name), self.models.path(name)
        if not before:
            raise AfformerError(f'{after} does not name a model of the page to compare with')
        report = after / _REPORT_FILE
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, '-m', 'afformer_core.cli.main', 'evaluate'),
            *(str(self.models.model(before)), str(after), '--annotations', str(self._pairs)),
            *('--report', str(report)),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            _, said = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        if process.returncode:
            raise AfformerError(said.decode(errors='replace').strip().rpartition('\n')[2])
        return report

    def is_own(self, name: str) -> bool:
        """Check whether this server runs a training, so that it can stop it."""
        process = self._process
        return process is not None and process.folder.name == name and process.is_alive

    def close(self) -> None:
        """Stop a running training, and wait until its checkpoint is written."""
        if self._process is not None and self._process.is_alive:
            print(
                f'the training of {self._process.folder} stops after the current step; it can be '
                'resumed',
                file=sys.stderr,
            )
            self._process.stop()
            self._process.wait(_SECONDS_TO_END)

    def _setting(self, name: str, part: str, key: str) -> str:
        """Return a setting of a training as text; empty if it is not known."""
        try:
            text = (self.models.path(name) / CONFIGURATION_FILE).read_text(encoding='utf-8')
            return str(yaml.safe_load(text)[part][key])
        except (OSError, KeyError, TypeError, yaml.YAMLError):
            return ''

    def _begin(self, folder: Path, arguments: list[str]) -> None:
        missing = [name for name in _PACKAGES if find_spec(name) is None]
        if missing:
            raise AfformerError(
                f'training needs {missing[0]}, which is not installed. '
                "Run: pip install '.[offline]'"
            )
        if self._process is not None and self._process.is_alive:
            raise AfformerError(f'{self._process.folder} is being trained. Stop it first')
        self._process = TrainingProcess(folder, arguments)


def _shared_configuration() -> Path:
    candidates = [folder / _CONFIGURATION for folder in share_folders()]
    return next((path for path in candidates if path.is_file()), candidates[0])
