# SPDX-License-Identifier: Apache-2.0
"""`afformer browse` from a dataset to a page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from afformer_core.cli.main import main

from ..dataset_page.conftest import ESPRESSO, write_object
from ..maskahand.mined_videos import write_mined


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    write_object(tmp_path / 'pairs' / 'espresso', ESPRESSO, 40)
    return tmp_path / 'pairs'


def test_a_page_of_own_pairs(
    pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / 'page.html'
    assert main(['browse', str(pairs), '--output', str(output), '--samples', '2']) == 0
    said = '3 samples, 2 demonstrations, 2 images, 4 points, 1 objects; nothing to be fixed\n'
    assert capsys.readouterr().out == f'{output}: {said}'
    assert output.read_text().count('<article class="card"') == 2


def test_a_folder_for_the_page(pairs: Path, tmp_path: Path) -> None:
    assert main(['browse', str(pairs), '--output', str(tmp_path / 'pages')]) == 0
    assert (tmp_path / 'pages' / 'dataset.html').is_file()


def test_another_split(pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / 'page.html'
    assert main(['browse', str(pairs), '--against', str(pairs), '--output', str(output)]) == 0
    assert capsys.readouterr().out.endswith('; 5 to be fixed\n')
    assert 'images that pairs also has' in output.read_text()


def test_the_seed_draws_the_samples(pairs: Path, tmp_path: Path) -> None:
    pages = []
    for seed in ('1', '1', '2', '3', '4'):
        main(['browse', str(pairs), '--samples', '1', '--seed', seed, '--output', str(tmp_path)])
        pages.append((tmp_path / 'dataset.html').read_text().replace(f'seed {seed}', ''))
    assert pages[0] == pages[1]
    assert len(set(pages)) > 1


def test_a_page_of_mined_clips(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / 'mined').mkdir()
    write_mined(tmp_path / 'mined')
    output = tmp_path / 'page.html'
    assert main(['browse', str(tmp_path / 'mined'), '--output', str(output)]) == 0
    assert capsys.readouterr().out.startswith(f'{output}: 3 clips, 3 videos, 36 frames looked at')
    assert main(['browse', str(tmp_path / 'mined'), '--against', 'a.json']) == 1
    assert '--against compares annotated datasets' in capsys.readouterr().err


def test_pairs_without_points_name_the_page_that_marks_them(
    pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pairs / 'espresso/points.csv').unlink()
    assert main(['browse', str(pairs), '--output', str(tmp_path / 'points.html')]) == 1
    assert f'Mark the points with `afformer studio --pairs {pairs}`' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('options', 'text'),
    [
        (['--samples', '0'], 'samples is 0; expected at least 1'),
        (['--frames', 'many'], "the sampling is 'many'"),
        (
            ['--against', 'nowhere.json'],
            'nowhere.json does not exist; expected',
        ),
        (['--output', '{pairs}/espresso/points.csv/page'], 'is a file, so it cannot'),
    ],
)
def test_bad_input_in_one_line(
    pairs: Path, options: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(['browse', str(pairs), *(each.format(pairs=pairs) for each in options)]) == 1
    error = capsys.readouterr().err
    assert text in error
    assert error.count('\n') == 1


def test_the_other_split_of_one_file(tmp_path: Path) -> None:
    clip = {'v_id': 'P01_17', 'start': 1, 'stop': 21, 'verb': 0, 'noun': 0}
    image = {'image': ['a.jpg'], 'verb': 0, 'noun': 0, 'points': [[1, 2]], 'shape': [64, 48]}
    release = {
        'verbs': ['open'],
        'nouns': ['tap'],
        'train_clips': [clip],
        'test_clips': [{**clip, 'v_id': 'P02_03'}],
        'train_images': [image],
        'test_images': [image],
    }
    path = tmp_path / 'annotations.json'
    path.write_text(json.dumps(release))
    output = tmp_path / 'page.html'
    options = '--split', 'train', '--against', str(path), '--output', str(output)
    assert main(['browse', str(path), *options]) == 0
    page = output.read_text()
    assert 'images that annotations.json also has' in page
    assert 'videos that annotations.json also has' not in page
