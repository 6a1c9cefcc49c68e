# SPDX-License-Identifier: Apache-2.0
"""Episodes of a LeRobot dataset that share files are videos of their own, also at a URL."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import ModuleType

import fsspec
import numpy as np
import pytest

from afformer_core.errors import VideoError
from afformer_core.licences import Ingredient, Origin
from afformer_core.offline.maskahand.mining.index import read_head
from afformer_core.offline.maskahand.mining.mining import MiningSettings
from afformer_core.offline.maskahand.pretraining.pretraining_data import MaskAHandData
from afformer_core.offline.maskahand.sources import find_sources, open_source
from afformer_core.offline.maskahand.sources.urls import url_of
from afformer_core.offline.maskahand.sources.video_file import VideoPart

from .conftest import CAMERA, DEPTH, mine, seen

SETTINGS = MiningSettings(rate=5.0, clip_frames=5, stride=5, part_frames=8)


def test_episodes_are_mined_one_by_one(
    red: ModuleType, lerobot_dataset: Path, tmp_path: Path
) -> None:
    index = mine(red, tmp_path, str(lerobot_dataset), settings=SETTINGS)

    assert index.broken == ()
    assert [video.topic for video in index.videos] == ['t=0.0,4.0', 't=4.0,7.5', 't=0.0,3.0']
    assert [len(video.times) for video in index.videos] == [20, 18, 15]
    assert [video.times[:2] for video in index.videos] == [(0.0, 0.2)] * 3
    in_contact = [
        [video.times[n] for n, hands in video.hands.items() if hands[0].contact]
        for video in index.videos
    ]
    assert in_contact == [[2.0, 2.2, 2.4, 2.6, 2.8], [1.0, 1.2, 1.4, 1.6, 1.8], []]
    second = index.videos[1]
    images = open_source(second.path, second.topic).at([0.0, 1.4])
    assert (images == open_source(second.path).at([4.0, 5.4])).all()
    assert images.dtype == np.uint8


def test_a_dataset_in_a_folder_at_a_url_is_that_of_the_disk(
    red: ModuleType, film: Path, lerobot_dataset: Path, tmp_path: Path
) -> None:
    system = fsspec.filesystem('memory')
    system.put(str(lerobot_dataset), '/lab/robot', recursive=True)
    system.pipe('/lab/robot/README.md', b'---\nlicense: mit\n---')
    system.pipe('/lab/cut/meta/info.json', (lerobot_dataset / 'meta/info.json').read_bytes())
    system.put(str(film), '/lab/film.mp4')
    local = mine(red, tmp_path / 'local', str(film), str(lerobot_dataset)).videos

    index = mine(red, tmp_path, 'memory://lab')

    names = ('film.mp4', *(f'robot/videos/{CAMERA}/chunk-000/file-00{n}.mp4' for n in (0, 0, 1)))
    assert [url_of(video.path) for video in index.videos] == [f'memory://lab/{n}' for n in names]
    assert sorted(map(seen, index.videos), key=repr) == sorted(map(seen, local), key=repr)
    assert [video.origin for video in index.videos] == [None, *[Origin('robot', 'mit')] * 3]
    second = index.videos[2]
    images = open_source(second.path, second.topic).at([0.0, 1.4])
    assert (images == open_source(second.path).at([4.0, 5.4])).all()
    [(path, reason)] = index.broken
    assert url_of(path) == 'memory://lab/cut'
    assert 'is damaged: ValueError: meta/episodes contains no Parquet file' in reason
    system.rm('/lab', recursive=True)


def test_a_dataset_whose_description_is_refused_is_told(
    lerobot_dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise VideoError(f'{path} cannot be read: Forbidden')

    monkeypatch.setattr('afformer_core.offline.maskahand.sources.lerobot.open_file', refuse)
    found = find_sources([lerobot_dataset])
    assert found.sources == ()
    [(path, reason)] = found.broken
    assert path == lerobot_dataset
    assert reason.endswith('info.json cannot be read: Forbidden')


@pytest.mark.parametrize(
    'described',
    [
        {'info': {'is_depth_map': True}},
        {'info': {'video.is_depth_map': True}},
        {'video_info': {'video.is_depth_map': True}},
        {'info': {'is_depth_map': True, 'video.is_depth_map': False}},
        {'info': None, 'video_info': {'is_depth_map': True}},
    ],
)
def test_depth_cameras_are_left_out_by_the_mark_of_any_release(
    described: dict[str, object], lerobot_dataset: Path, tmp_path: Path
) -> None:
    shutil.copytree(lerobot_dataset, tmp_path / 'other')
    file = tmp_path / 'other' / 'meta' / 'info.json'
    info = json.loads(file.read_text())
    colour = {'dtype': 'video', 'info': {'is_depth_map': False, 'video.codec': 'av1'}}
    info['features'] = {CAMERA: colour, DEPTH: {'dtype': 'video', **described}}
    file.write_text(json.dumps(info))

    found = find_sources([tmp_path / 'other'])

    assert found.broken == ()
    assert len(found.sources) == 3
    assert {source.path.parent.parent.name for source in found.sources} == {CAMERA}


@pytest.mark.parametrize(
    ('card', 'described', 'licence'),
    [
        ('---\nlicense: cc-by-4.0\ntags:\n- LeRobot\n---\nA robot.', {}, 'cc-by-4.0'),
        ('---\ntags: [LeRobot]\n---\nlicense: mit', {'license': 'apache-2.0'}, 'apache-2.0'),
        ('---\nlicense: [\n---\n', {}, 'unknown'),
        (None, {'license': 'cc0-1.0'}, 'cc0-1.0'),
        (None, {}, 'unknown'),
    ],
)
def test_the_licence_of_a_dataset_is_in_its_index(
    card: str | None,
    described: dict[str, str],
    licence: str,
    red: ModuleType,
    lerobot_dataset: Path,
    tmp_path: Path,
) -> None:
    folder = tmp_path / 'kitchen'
    shutil.copytree(lerobot_dataset, folder)
    info = json.loads((folder / 'meta' / 'info.json').read_text())
    (folder / 'meta' / 'info.json').write_text(json.dumps({**info, **described}))
    if card is not None:
        (folder / 'README.md').write_text(card)
    shutil.copy(next(folder.rglob('file-001.mp4')), tmp_path / 'own.mp4')
    paths = str(folder), str(tmp_path / 'own.mp4')

    index = mine(red, tmp_path / 'mined', *paths, settings=SETTINGS)

    episodes, own = index.videos[:3], index.videos[3]
    assert [video.origin for video in episodes] == [Origin('kitchen', licence)] * 3
    assert own.origin is None
    head = read_head(tmp_path / 'mined' / 'index.json')
    assert head.origins == (Ingredient('training data', Origin('kitchen', licence), 2),)
    data = MaskAHandData(tmp_path / 'mined' / 'index.json', input_size=(32, 32), licence='own')
    expected = Origin('kitchen', 'own' if licence == 'unknown' else licence)
    assert data.ingredients() == (Ingredient('training data', expected, 2),)


@pytest.mark.parametrize('topic', ['t=3', 't=2.0,1.0', 't=a,b', 't=-1,2'])
def test_no_part_is_told(topic: str) -> None:
    with pytest.raises(VideoError, match=r'expected (t=BEGIN,END|a start of at least 0 s)'):
        VideoPart(Path('a.mp4'), topic)
