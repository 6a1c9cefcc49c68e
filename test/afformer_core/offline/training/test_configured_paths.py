# SPDX-License-Identifier: Apache-2.0
"""Paths of a training are of this machine, may be null, and are not written over."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from afformer_core.cli.main import main
from afformer_core.offline.training.command import parse_training
from afformer_core.runtime import shipped_model_folder

from .conftest import images

URL = 's3://bucket/some/file'


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written to a relative path must not land in the project."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize('option', ['--output', '--model.initial', '--data.train.root'])
def test_a_url_is_refused(
    option: str, annotations: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(['train', *images(annotations, '--output=model', f'{option}={URL}')])

    assert ended.value.code == 2
    assert 'a URL; expected a path of this machine' in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('given', [['-c', URL], [f'--config={URL}']])
def test_a_configuration_by_url_is_refused(
    given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(['train', *given, '--output=model']) == 1

    assert capsys.readouterr().err == (
        f'afformer: error: {URL} is a URL; expected a file of this machine. Download it first\n'
    )


def test_null_is_no_folder_of_that_name(annotations: Path) -> None:
    training = parse_training(
        images(annotations, '--output=model', '--trainer.max_steps=1', '--data.train.root=null')
    )

    assert training.config.data.init_args.train.root is None


def test_a_path_that_is_needed_cannot_be_null(
    annotations: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = images(annotations, '--output=model', '--data.train.annotations=null')

    with pytest.raises(SystemExit):
        main(['train', *given])

    assert 'required: train.annotations' in capsys.readouterr().err


def test_the_model_to_begin_with_is_not_replaced(
    annotations: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(shipped_model_folder(), 'before')
    (tmp_path / 'link').symlink_to('before')
    content = (tmp_path / 'before' / 'model.json').read_bytes()
    steps = ['--model.initial=before', '--trainer.max_steps=1']

    assert main(['train', *images(annotations, '--output=link', *steps)]) == 1

    told = capsys.readouterr().err.splitlines()[-1]
    assert '--output is link, the same folder as --model.initial' in told
    assert (tmp_path / 'before' / 'model.json').read_bytes() == content
