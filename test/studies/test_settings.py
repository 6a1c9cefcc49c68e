# SPDX-License-Identifier: Apache-2.0
"""Names in a plan are those of something; the plan of this project is sound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from studies.settings import StudySettings


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
