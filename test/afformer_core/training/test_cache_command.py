# SPDX-License-Identifier: Apache-2.0
"""`afformer cache` makes beforehand what a training would cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from afformer_core.cli.main import main
from afformer_core.training.command import train
from afformer_core.training.datasets import feature_run

from .conftest import MODEL, TRAINER, images, write_pairs

FEATURES = [
    '--data=afformer_core.training.datasets.feature_data.FeatureData',
    '--data.frames=4',
    '--data.batch_size=2',
    *MODEL,
    *TRAINER,
]


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in sorted(folder.rglob('*')) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture(scope='module')
def long_pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Demonstrations of at least four frames."""
    return write_pairs(tmp_path_factory.mktemp('pairs'), shortest=4)


def features(annotations: Path, cache: Path, *more: str) -> list[str]:
    given = f'--data.train.annotations={annotations}', f'--data.cache_folder={cache}'
    return [*FEATURES, *given, f'--data.validation.annotations={annotations}', *more]


@pytest.mark.slow
def test_features_are_those_of_the_training_which_makes_none_after_it(
    long_pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = '--trainer.max_steps=1', f'--output={tmp_path / "model"}'
    train(features(long_pairs, tmp_path / 'trained', *training))
    assert main(['cache', *features(long_pairs, tmp_path / 'cached'), '--processes', '1']) == 0

    made = contents(tmp_path / 'cached')
    assert len(made) == 14
    assert made == contents(tmp_path / 'trained')

    monkeypatch.delattr(feature_run, '_PlannedSet')
    again = '--trainer.max_steps=2', f'--output={tmp_path / "model"}'
    train(features(long_pairs, tmp_path / 'cached', *again))


def test_clips_are_those_that_training_would_decode(
    annotations: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    training = f'--output={tmp_path / "model"}', '--trainer.max_steps=3'
    train(images(annotations, f'--data.cache_folder={tmp_path / "trained"}', *training))
    cache = images(annotations, f'--data.cache_folder={tmp_path / "cached"}')
    capsys.readouterr()
    assert main(['cache', *cache, '--processes', '1']) == 0
    assert 'the cache will need about 160 kB (4 clips of 3 frames at' in capsys.readouterr().err

    made = contents(tmp_path / 'cached')
    assert len(made) == 4
    assert made == contents(tmp_path / 'trained')
    assert not (tmp_path / 'cached').joinpath('tensorboard').exists()


@pytest.mark.parametrize(
    ('options', 'told'),
    [
        (['--data.cache_folder=null'], 'data.cache_folder is null; expected the folder of a'),
        (['--processes', '0'], '--processes is 0; expected at least 1'),
        (['--address', 'head:1'], '--address is given without --engine ray. Give both'),
    ],
)
def test_what_cannot_be_cached_is_told(
    options: list[str], told: str, annotations: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(['cache', *images(annotations), *options]) == 1
    assert told in capsys.readouterr().err


def test_an_option_that_no_training_has_is_bad_usage(
    annotations: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as status:
        main(['cache', *images(annotations), '--data.no_such=1'])
    assert status.value.code == 2
    assert 'no_such' in capsys.readouterr().err
