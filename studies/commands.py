# SPDX-License-Identifier: Apache-2.0
"""The words of the `afformer` commands that a study runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studies.files import StudyFiles
from studies.plan import StudyPlan

PRETRAINING = 'pretraining'
"""The experiment that learns from mined clips; all others learn from annotated pairs."""

TRAIN, TEST = 'train', 'test-seen'
"""Splits of the annotated pairs; nothing is chosen by the second."""


Options = Mapping[str, str | int | float | Sequence[str]]


def options(values: Options) -> list[str]:
    """Options of a command by their names without dashes; a list is several values of one."""
    words = []
    for name, value in values.items():
        several = value if isinstance(value, list | tuple) else [value]
        words += [f'--{name}', *map(str, several)]
    return words


def simulation(split: str, values: Options, files: StudyFiles) -> list[str]:
    """Renders a split of annotated pairs."""
    folder = files.annotations(split).parent
    return ['afformer', 'simulate', str(folder), f'--split={split}', *options(values)]


def filming(values: Options, files: StudyFiles) -> list[str]:
    """Renders long videos that nobody annotated."""
    folder = str(files.videos)
    return [
        'afformer',
        'simulate',
        folder,
        '--layout=long-videos',
        '--split=train',
        *options(values),
    ]


def mining(values: Options, files: StudyFiles) -> list[str]:
    """Finds clips with interactions in the long videos."""
    videos, output = files.videos / 'videos', files.index.parent
    return ['afformer', 'mine', str(videos), f'--output={output}', *options(values)]


def training(
    plan: StudyPlan, name: str, seed: int, files: StudyFiles, further: Sequence[str] = ()
) -> list[str]:
    """Trains a model.

    Args:
        plan: with the model.
        name: of the model.
        seed: of its weights and of the order of examples.
        files: where data lies and the model is written.
        further: options that are given last.
    """
    model = plan.models[name]
    data = '--data.init_args.'
    words = [f'-c={file}' for file in (*plan.experiments[model.experiment], *model.overlays)]
    if model.experiment == PRETRAINING:
        words.append(f'{data}index={files.index}')
    else:
        words.append(f'{data}train.annotations={files.annotations(TRAIN)}')
    if model.initial is not None:
        words.append(f'--model.initial={files.model(model.initial, seed)}')
    kind = 'clips' if model.experiment == PRETRAINING else 'pairs'
    words += [
        f'{data}cache_folder={files.features(f"{kind}_{model.features}")}',
        f'{data}seed={seed}',
        f'--seed_everything={seed}',
        f'--output={files.model(name, seed)}',
    ]
    return ['afformer', 'train', *words, *further]


def evaluation(name: str, seed: int, files: StudyFiles) -> list[str]:
    """Measures a model on the test pairs, one of each scene."""
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
