# SPDX-License-Identifier: Apache-2.0
"""The trainings of a server, which continue when pages are closed."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from enum import Enum
from importlib.util import find_spec
from pathlib import Path

import yaml

from afformer_core.errors import AfformerError
from afformer_core.exit_status import describe_exit
from afformer_core.files.atomic import FolderHeldError, folder_lock
from afformer_core.files.paths import share_folders
from afformer_core.runtime.model_folder import DESCRIPTION_FILE
from afformer_core.runtime.shipped_model import SHIPPED, shipped_model_folder

# Names of files in a model folder.
_CONFIGURATION_FILE, _LOG_FILE, _REPORT_FILE = 'config.yaml', 'training.log', 'comparison.html'
_CONFIGURATION = Path('config/train/own_pairs.yaml')
_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9_.-]{0,63}')
# Packages of the extra `offline`.
_PACKAGES = ('lightning', 'jsonargparse', 'tensorboard')
_CHECKPOINT_STEPS = 50
_MOST_STEPS = 1_000_000
_DEFAULT_STEPS = 500
# Cache of decoded frames beside the models, which several trainings share.
_FRAMES = '.frames'
_SECONDS_TO_END = 60.0
_SHOWN_BYTES, _SHOWN_LINES = 4000, 12
_NICENESS = '10'
# Exit status of a shell after an interruption.
_INTERRUPTED = 130


class TrainingState(Enum):
    """States of a training, in words."""

    RUNNING = 'Training'
    STOPPING = 'Stopping after this step'
    STOPPED = 'Stopped. Resume continues from the last checkpoint'
    FINISHED = 'Finished: the model is written'
    FAILED = 'Failed'


class Trainings:
    """The trainings in a folder of models; one at a time, in a process with low priority.

    A training has the name of a direct subfolder; links that lead elsewhere are not followed.

    Args:
        folder: folder of models, which may not exist.
        pairs: folder of own pairs for training.
        configuration: configuration of trainings; None for `config/train/own_pairs.yaml`.

    Attributes:
        folder: see the arguments; resolved.
    """

    def __init__(self, folder: Path, pairs: Path, configuration: Path | None = None) -> None:
        self.folder = folder.resolve()
        self._pairs = pairs.resolve()
        self._configuration = (configuration or _shared_configuration()).resolve()
        # The last process of this server, the name of its training, and whether it shall stop.
        self._process: subprocess.Popen[bytes] | None = None
        self._name = ''
        self._asked = False

    @property
    def models(self) -> tuple[str, ...]:
        """The models that can be opened, the shipped model first."""
        return (SHIPPED, *sorted(file.parent.name for file in self._files(DESCRIPTION_FILE)))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all trainings, the newest first."""
        begun = [(file.stat().st_mtime, file) for file in self._files(_CONFIGURATION_FILE)]
        latest = (self._name,) if self._name else ()
        names = (file.parent.name for _, file in sorted(begun, reverse=True))
        return tuple(dict.fromkeys((*latest, *names)))

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
            OSError: the folder cannot be written to, or there is no `nice`.
        """
        if not self._configuration.is_file():
            raise AfformerError(
                f'{self._configuration} does not exist; expected a configuration of trainings. '
                'Start the studio with --training-configuration FILE'
            )
        if not 1 <= steps <= _MOST_STEPS:
            raise ValueError(f'the number of steps is {steps}; expected 1 to {_MOST_STEPS:,}')
        folder = self._path(name)
        if any((folder / file).exists() for file in (_CONFIGURATION_FILE, DESCRIPTION_FILE)):
            raise AfformerError(f'{folder} exists. Give another name, or resume it')
        options = {
            '--config': self._configuration,
            '--output': folder,
            '--model.initial': self._model(initial),
            '--data.train.annotations': self._pairs,
            '--data.cache_folder': self.folder / _FRAMES,
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
            AfformerError: a training is running.
            OSError: the folder cannot be written to, or there is no `nice`.
        """
        folder = self._path(name)
        self._begin(folder, [f'--config={folder / _CONFIGURATION_FILE}'])

    def stop(self) -> None:
        """Request once, like Ctrl-C, that the running training ends with a checkpoint."""
        if not self._asked and self._process is not None and self._process.poll() is None:
            self._asked = True
            self._process.send_signal(signal.SIGINT)

    def state(self, name: str) -> TrainingState:
        """Return the state of a training."""
        if self._process is not None and name == self._name:
            status = self._process.poll()
            if status is None:
                return TrainingState.STOPPING if self._asked else TrainingState.RUNNING
            if status == 0:
                return TrainingState.FINISHED
            stopped = self._asked or status == _INTERRUPTED
            return TrainingState.STOPPED if stopped else TrainingState.FAILED
        folder = self._path(name)
        if is_trained_now(folder):
            return TrainingState.RUNNING
        finished = (folder / DESCRIPTION_FILE).is_file()
        return TrainingState.FINISHED if finished else TrainingState.STOPPED

    def initial(self, name: str) -> str:
        """Return the name of the model with which a training began; empty if it is not known."""
        initial = self._setting(name, 'model', 'initial')
        paths = {name: {name, str(self._model(name))} for name in self.models}
        return next((name for name, given in paths.items() if initial in given), '')

    def steps(self, name: str) -> str:
        """Return the number of steps of a training as text; empty if it is not known."""
        return self._setting(name, 'trainer', 'max_steps')

    def output(self, name: str) -> str:
        """Return the last lines of the output of a training; empty if there is none."""
        try:
            with (self._path(name) / _LOG_FILE).open('rb') as log:
                log.seek(max(0, os.fstat(log.fileno()).st_size - _SHOWN_BYTES))
                text = log.read().decode(errors='replace')
        except FileNotFoundError:
            return ''
        # A progress bar overwrites its line after a carriage return.
        lines = [line.rstrip('\r').rpartition('\r')[2] for line in text.split('\n')]
        lines = [line for line in lines if line.strip()][-_SHOWN_LINES:]
        if self._process is not None and name == self._name and self._process.poll():
            lines.append(f'It {describe_exit(self._process.returncode)}.')
        return '\n'.join(lines)

    async def compare(self, name: str) -> Path:
        """Evaluate a model beside the one with which it began, and return the HTML report.

        Raises:
            AfformerError: it is not known, or `afformer evaluate` fails.
        """
        before, after = self.initial(name), self._path(name)
        if not before:
            raise AfformerError(f'{after} does not name a model of the page to compare with')
        report = after / _REPORT_FILE
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, '-m', 'afformer_core.cli.main', 'evaluate'),
            *(str(self._model(before)), str(after), '--annotations', str(self._pairs)),
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
        return name == self._name and self._process is not None and self._process.poll() is None

    def close(self) -> None:
        """Stop a running training, and wait until its checkpoint is written."""
        if self._process is None or self._process.poll() is not None:
            return
        print(
            f'the training of {self.folder / self._name} stops after the current step; it can be '
            'resumed',
            file=sys.stderr,
        )
        self.stop()
        try:
            self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _setting(self, name: str, part: str, key: str) -> str:
        """Return a setting of a training as text; empty if it is not known."""
        try:
            text = (self._path(name) / _CONFIGURATION_FILE).read_text(encoding='utf-8')
            return str(yaml.safe_load(text)[part][key])
        except (OSError, KeyError, TypeError, yaml.YAMLError):
            return ''

    def _path(self, name: str) -> Path:
        """Return the folder of a training, which may not exist.

        Raises:
            ValueError: the name is not a plain file name, or its folder lies elsewhere.
        """
        path = self.folder / name
        if not _NAME.fullmatch(name) or name == SHIPPED:
            raise ValueError(
                f'the name of a model is {name!r}; expected 1 to 64 letters, digits, -, _ or ., '
                f'with a letter or digit first, and not {SHIPPED}'
            )
        if path.resolve() != path:
            raise ValueError(f'{path} is a link to another folder. Give another name')
        return path

    def _model(self, name: str) -> Path:
        return shipped_model_folder() if name == SHIPPED else self._path(name)

    def _files(self, name: str) -> list[Path]:
        """List the files with a name in the folders of models."""
        files = self.folder.glob(f'[!.]*/{name}')
        return [
            file
            for file in files
            if _NAME.fullmatch(file.parent.name)
            and file.parent.name != SHIPPED
            and file.parent.resolve() == file.parent
        ]

    def _begin(self, folder: Path, arguments: Sequence[str]) -> None:
        missing = [name for name in _PACKAGES if find_spec(name) is None]
        if missing:
            raise AfformerError(
                f'training needs {missing[0]}, which is not installed. '
                "Run: pip install '.[offline]'"
            )
        if self.is_own(self._name):
            raise AfformerError(f'{self.folder / self._name} is being trained. Stop it first')
        folder.mkdir(parents=True, exist_ok=True)
        if is_trained_now(folder):
            raise AfformerError(
                f'{folder} is being trained by another process. Wait until it ends'
            )
        command = [sys.executable, '-m', 'afformer_core.cli.main', 'train', *arguments]
        with (folder / _LOG_FILE).open('wb') as log:
            # In a separate session, because the server handles Ctrl-C in the terminal.
            self._process = subprocess.Popen(
                ['nice', '-n', _NICENESS, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._name, self._asked = folder.name, False


def is_trained_now(folder: Path) -> bool:
    """Check whether a training of any server or shell is running in a folder."""
    try:
        with folder_lock(folder, patient=False):
            return False
    except FolderHeldError:
        return True
    except OSError:
        return False


def _shared_configuration() -> Path:
    candidates = [folder / _CONFIGURATION for folder in share_folders()]
    return next((path for path in candidates if path.is_file()), candidates[0])
