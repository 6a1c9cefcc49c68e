# SPDX-License-Identifier: Apache-2.0
"""The `afformer` commands of a study, as lists of words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studies.files import StudyFiles
from studies.settings import StudySettings

PRETRAINING = 'pretraining'
"""The training that learns from mined clips; all others learn from annotated pairs."""

TRAIN, TEST = 'train', 'test-seen'
"""Splits of the annotated pairs; no choice is based on the second one."""


Options = Mapping[str, str | int | float | Sequence[str]]


def options(values: Options) -> list[str]:
    """Convert options by name to words of a command line; a list gives several values."""
    words = []
    for name, value in values.items():
        several = value if isinstance(value, list | tuple) else [value]
        words += [f'--{name}', *map(str, several)]
    return words


def simulation(split: str, values: Options, files: StudyFiles) -> list[str]:
    """Return the command that renders a split of annotated pairs."""
    folder = files.annotations(split).parent
    return ['afformer', 'simulate', str(folder), f'--split={split}', *options(values)]


def filming(values: Options, files: StudyFiles) -> list[str]:
    """Return the command that renders the videos to mine; only their hands are read."""
    return ['afformer', 'simulate', str(files.videos), '--split=train', *options(values)]


def mining(values: Options, files: StudyFiles) -> list[str]:
    """Return the command that finds clips with interactions in the videos."""
    videos, output = files.videos / 'clips', files.index.parent
    return ['afformer', 'mine', str(videos), f'--output={output}', *options(values)]


def training(
    study: StudySettings, name: str, seed: int, files: StudyFiles, further: Sequence[str] = ()
) -> list[str]:
    """Return the command that trains a model.

    Args:
        study: settings with the model.
        name: name of the model.
        seed: seed of the weights and of the order of examples.
        files: paths of the data and the model.
        further: options at the end of the command.
    """
    model = study.models[name]
    data = '--data.init_args.'
    words = [f'-c={file}' for file in (*study.trainings[model.training], *model.overlays)]
    if model.training == PRETRAINING:
        words.append(f'{data}index={files.index}')
    else:
        words.append(f'{data}train.annotations={files.annotations(TRAIN)}')
    if model.initial is not None:
        words.append(f'--model.initial={files.model(model.initial, seed)}')
    kind = 'clips' if model.training == PRETRAINING else 'pairs'
    words += [
        f'{data}cache_folder={files.features(f"{kind}_{model.features}")}',
        f'{data}seed={seed}',
        f'--seed_everything={seed}',
        f'--output={files.model(name, seed)}',
    ]
    return ['afformer', 'train', *words, *further]


def evaluation(name: str, seed: int, files: StudyFiles) -> list[str]:
    """Return the command that evaluates a model on the test pairs, one from each scene."""
    return [
        'afformer',
        'evaluate',
        str(files.model(name, seed)),
        f'--annotations={files.annotations(TEST)}',
        f'--prior-annotations={files.annotations(TRAIN)}',
        '--pairs-per-group=1',
        '--backend=torch',
        '--threads=1',
        f'--json={files.evaluation(name, seed)}',
    ]
