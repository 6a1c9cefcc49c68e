# SPDX-License-Identifier: Apache-2.0
"""The settings of a study, and the commands that follow from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

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


@pytest.mark.parametrize(
    ('position', 'value', 'sentence'),
    [
        (('models', 'tuned', 'training'), 'x', "training of tuned is 'x'; expected one of super"),
        (('models', 'tuned', 'initial'), 'x', "initial of tuned is 'x'; expected one of pretr"),
        (('tables', 'table_8', 'rows', 0, 'model'), 'x', "model of 'noise' in table_8 is 'x'"),
        (('tables', 'table_1', 'rows', 1, 'label'), 'zero-shot', 'each once'),
        (('seeds',), [], r'seeds are \[\]; expected at least one'),
    ],
)
def test_settings_of_nothing_are_refused(
    settings: dict[str, Any], position: tuple[Any, ...], value: Any, sentence: str
) -> None:
    *path, last = position
    fields: Any = settings
    for name in path:
        fields = fields[name]
    fields[last] = value

    with pytest.raises(ValueError, match=sentence):
        StudySettings.of(settings)


def test_every_file_of_the_settings_exists(root: Path) -> None:
    study = StudySettings.of(yaml.safe_load((root / 'studies' / 'studies.yaml').read_text()))
    named = [file for files in study.trainings.values() for file in files]
    named += [file for model in study.models.values() for file in model.overlays]

    assert [file for file in named if not (root / file).is_file()] == []
    assert {row.model for table in study.tables.values() for row in table.rows} | {
        model.initial for model in study.models.values()
    } - {None} == set(study.models)
    assert len(study.seeds) == 5
