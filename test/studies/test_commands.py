# SPDX-License-Identifier: Apache-2.0
"""The commands of a study."""

from __future__ import annotations

from pathlib import Path

from studies import commands
from studies.files import StudyFiles
from studies.settings import StudySettings

FILES = StudyFiles(Path('made'))


def test_a_model_goes_on_from_that_of_its_seed(study: StudySettings) -> None:
    assert commands.training(study, 'tuned', 1, FILES, ['--trainer.max_steps=2']) == [
        'afformer',
        'train',
        '-c=pairs.yaml',
        '-c=fine.yaml',
        '-c=finer.yaml',
        '--data.init_args.train.annotations=made/pairs/train/train.json',
        '--model.initial=made/models/pretrained/seed_1',
        '--data.init_args.cache_folder=made/features/pairs_learning',
        '--data.init_args.seed=1',
        '--seed_everything=1',
        '--output=made/models/tuned/seed_1',
        '--trainer.max_steps=2',
    ]


def test_pre_training_sees_clips_and_no_annotation(study: StudySettings) -> None:
    words = commands.training(study, 'pretrained', 0, FILES)

    assert words[2:5] == [
        '-c=clips.yaml',
        '--data.init_args.index=made/mined/index.json',
        '--data.init_args.cache_folder=made/features/clips_frozen',
    ]
    assert not any('annotations' in word for word in words)


def test_several_values_of_an_option() -> None:
    values = {'scenes': 4, 'families': ['mugs', 'jars']}

    assert commands.options(values) == ['--scenes', '4', '--families', 'mugs', 'jars']


def test_the_test_split_is_measured_and_never_trained_on(study: StudySettings) -> None:
    measured = commands.evaluation('tuned', 0, FILES)

    assert '--annotations=made/pairs/test-seen/test-seen.json' in measured
    for name in study.models:
        assert not any('test-seen' in word for word in commands.training(study, name, 0, FILES))
