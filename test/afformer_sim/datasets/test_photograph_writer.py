# SPDX-License-Identifier: Apache-2.0
"""Datasets over photographs: read back, the contact at the same point in clip and image."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from afformer_core.cli.main import main
from afformer_core.media.video import read_video
from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.data.verification import find_problems
from afformer_sim.datasets.layouts import PhotographSettings, write_scenes

SETTINGS = PhotographSettings(seed=2, scenes=2, demonstrations=1, frames=4, longest_side=128)


@pytest.fixture(scope='module')
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one photograph: a field of coloured discs."""
    folder = tmp_path_factory.mktemp('photographs')
    rng = np.random.default_rng(0)
    image = np.full((300, 400, 3), 120, np.uint8)
    for _ in range(40):
        centre = rng.integers([20, 20], [380, 280]).tolist()
        cv2.circle(image, centre, int(rng.integers(8, 22)), rng.integers(0, 255, 3).tolist(), -1)
    (folder / 'below').mkdir()
    cv2.imwrite(str(folder / 'below' / 'discs.png'), image)
    (folder / 'notes.txt').write_text('not a photograph')
    return folder


@pytest.fixture(scope='module')
def folder(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('dataset')
    settings = replace(SETTINGS, photographs=photographs)
    assert list(write_scenes(folder, 'train', settings)) == [0, 1, 2]
    return folder


def test_the_opra_reader_reads_it(folder: Path) -> None:
    dataset = open_annotations(folder / 'train.json')
    assert find_problems(dataset, decode=True) == []
    assert len(dataset) == 4
    for sample in dataset:
        assert sample.scene is not None
        assert sample.scene.element == 0
        polygon = sample.scene.polygons[0].astype(np.float32)
        for point in sample.points[0].tolist():
            assert cv2.pointPolygonTest(polygon, point, True) > -1
        assert read_video(sample.video_path).shape[0] == 4


def test_entries_name_the_photograph_and_the_contact_in_each_frame(folder: Path) -> None:
    entries = json.loads((folder / 'train.json').read_text())
    assert {entry['photograph'] for entry in entries} == {'discs.png'}
    for entry in entries:
        assert len(entry['contact_point']) == 4
        height, width = read_video(folder / entry['video_path']).shape[1:3]
        assert entry['clip_size'] == [width, height]
        for point in entry['contact_point']:
            assert point is not None
            assert -0.5 <= point[0] <= 127.5


def test_the_contact_is_at_the_same_disc_in_the_clip_and_in_the_image(folder: Path) -> None:
    """Hues around the contact agree where no hand is in the first frame."""
    entries = json.loads((folder / 'train.json').read_text())
    for entry in entries:
        if entry['contact'] is None or entry['contact'][0] == 0:
            continue
        frame = read_video(folder / entry['video_path'])[0]
        image = cv2.imread(str(folder / entry['image_path']))[..., ::-1]
        position = entry['contact_point'][0]
        target = np.mean(entry['heatmaps'][0], axis=0)
        colours = [
            shown[int(at[1]) - 3 : int(at[1]) + 4, int(at[0]) - 3 : int(at[0]) + 4]
            .reshape(-1, 3)
            .mean(axis=0)
            for shown, at in ((frame, position), (image, target))
        ]
        assert np.abs(colours[0] - colours[1]).max() < 90


def test_a_folder_without_photographs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='has no photograph'):
        replace(SETTINGS, photographs=tmp_path)


def test_the_command_writes_what_packages_carry(tmp_path: Path) -> None:
    command = 'simulate {} --layout photographs --scenes 1 --demonstrations 1 --targets 1'
    arguments = [*command.format(tmp_path).split(), '--frames', '2', '--longest-side', '96']
    assert main(arguments) == 0
    entries = json.loads((tmp_path / 'train.json').read_text())
    assert len(entries) == 1
    names = ('astronaut.png', 'coffee.png', 'motorcycle_left.png', 'rocket.jpg', 'flower.jpg')
    assert entries[0]['photograph'] in names
