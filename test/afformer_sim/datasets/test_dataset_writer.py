# SPDX-License-Identifier: Apache-2.0
"""Simulated datasets, read back by the reader of OPRA's annotations, and settings of all kinds."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from afformer_core.cli.main import main
from afformer_core.hands.simulated_hands import SimulatedHands
from afformer_core.media.video import VideoFrame, read_video
from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.data.verification import find_problems
from afformer_sim.bodies.element import ACTIONS
from afformer_sim.closed_loop.trial import ClosedLoopSettings
from afformer_sim.datasets.layouts import DatasetSettings, write_scenes
from afformer_sim.datasets.rgbd_bag import RgbdBagSettings
from afformer_sim.families import FAMILIES
from afformer_sim.scene.demonstration import plan_demonstrations

SETTINGS = DatasetSettings(
    seed=3, scenes=2, families=('control_panel', 'keypad'), frames=3, longest_side=64
)


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('simulated')
    assert list(write_scenes(folder, 'train', SETTINGS)) == [0, 1, 2]
    return folder


def test_the_opra_reader_reads_it(folder: Path) -> None:
    dataset = open_annotations(folder / 'train.json')
    assert find_problems(dataset, decode=True) == []
    assert dataset.action_names == ACTIONS
    assert len(dataset) == 18
    assert len({sample.video_path for sample in dataset}) == 6
    assert len({sample.image_path for sample in dataset}) == 6
    for sample in dataset:
        image = cv2.imread(str(sample.image_path))
        assert image.shape == (sample.image_size[1], sample.image_size[0], 3)
        assert read_video(sample.video_path).shape[0] == 3
        assert sample.scene is not None
        scene = SETTINGS.scene(int(sample.scene.scene_id.removeprefix('train/')))
        element = scene.fixture.elements[sample.scene.element]
        assert sample.scene.kinds[sample.scene.element] == element.kind
        assert dataset.action_names[sample.actions[0]] in element.actions


def test_entries_tell_family_and_contact(folder: Path) -> None:
    entries = json.loads((folder / 'train.json').read_text())
    families = {entry['scene']: entry['family'] for entry in entries}
    assert families == {f'train/0000{index}': SETTINGS.scene(index).family for index in range(2)}
    of_clip = {entry['video_path']: entry for entry in entries}
    clips = iter(sorted(of_clip))
    for scene in map(SETTINGS.scene, range(2)):
        for demonstration in plan_demonstrations(scene, 3, 64):
            entry = of_clip[next(clips)]
            contact = demonstration.contact_frames(3)
            assert entry['contact'] == (contact and list(contact))
            assert contact is None or 0 <= contact[0] <= contact[1] < 3
            points = [
                demonstration.contact_pixel(scene.fixture, time) for time in (1 / 6, 1 / 2, 5 / 6)
            ]
            np.testing.assert_allclose(entry['contact_point'], points, atol=0.06)
    assert any(entry['contact'] for entry in entries)


def test_hands_are_where_the_contact_is(folder: Path) -> None:
    entries = json.loads((folder / 'train.json').read_text())
    points = 0
    for entry in {entry['video_path']: entry for entry in entries}.values():
        detector = SimulatedHands()
        detector.begin(folder / entry['video_path'])
        frames = [VideoFrame(k / SETTINGS.rate, np.empty(())) for k in range(3)]
        first, last = entry['contact'] or (3, 3)
        for k, (hands, point) in enumerate(
            zip(detector.detect(frames), entry['contact_point'], strict=True)
        ):
            for hand in hands:
                assert hand.contact == (first <= k <= last)
                assert hand.contact_point == (point and tuple(point) if hand.contact else None)
                left, top, right, bottom = hand.box
                assert 0 <= left < right <= entry['clip_size'][0]
                assert 0 <= top < bottom <= entry['clip_size'][1]
                if hand.contact_point:
                    x, y = hand.contact_point
                    assert left - 8 < x < right + 8
                    assert top - 8 < y < bottom + 8
                    points += 1
    assert points >= 4


def test_hands_of_meshes_change_clips_alone(folder: Path, tmp_path: Path) -> None:
    list(write_scenes(tmp_path, 'train', replace(SETTINGS, hand='mesh')))
    capsules, meshes = (
        {str(path.relative_to(each)): path.read_bytes() for path in each.rglob('*.*')}
        for each in (folder, tmp_path)
    )
    assert capsules.keys() == meshes.keys()
    changed = {name for name in capsules if capsules[name] != meshes[name]}
    assert {name for name in changed if name.endswith('.mp4')} == {
        name for name in capsules if name.endswith('.mp4')
    }
    assert not any(name.endswith('.jpg') for name in changed)


@pytest.mark.parametrize('family', FAMILIES)
def test_each_family_can_be_written(family: str, tmp_path: Path) -> None:
    few = {'scenes': 1, 'demonstrations': 1, 'performances': 2, 'frames': 2, 'longest_side': 48}
    settings = DatasetSettings(seed=3, families=(family,), held_out=True, **few)
    list(write_scenes(tmp_path, 'test', settings))
    dataset = open_annotations(tmp_path / 'test.json')
    assert find_problems(dataset, decode=True) == []
    for sample in dataset:
        assert sample.scene is not None
        polygon = sample.scene.polygons[sample.scene.element].astype(np.float32)
        middle = [float(value) for value in np.median(sample.points[0], axis=0)]
        assert cv2.pointPolygonTest(polygon, middle, True) > -0.6


def test_a_smaller_dataset_is_the_beginning_of_a_larger_one(folder: Path, tmp_path: Path) -> None:
    list(write_scenes(tmp_path, 'train', replace(SETTINGS, scenes=1)))
    whole = json.loads((folder / 'train.json').read_text())
    assert json.loads((tmp_path / 'train.json').read_text()) == whole[:9]


def test_the_command_renders_the_families_and_the_seed_of_a_split(tmp_path: Path) -> None:
    few = ['--scenes', '1', '--demonstrations', '1', '--targets', '1', '--frames', '1']
    options = ['--longest-side', '48', *few]
    assert main(['simulate', str(tmp_path), '--split', 'test-buttons', *options]) == 0
    named = ['--split', 'other', '--families', 'mugs', '--seed', '4']
    assert main(['simulate', str(tmp_path), *named, *options]) == 0
    written = json.loads((tmp_path / 'simulation.json').read_text())
    assert (written['test-buttons']['seed'], written['other']['seed']) == (5, 4)
    assert written['test-buttons']['held_out']
    for split, family in (('test-buttons', 'dense_keypad'), ('other', 'mugs')):
        (entry,) = json.loads((tmp_path / f'{split}.json').read_text())
        assert entry['family'] == family


@pytest.mark.parametrize(
    ('settings', 'fields', 'message'),
    [
        (DatasetSettings, {'scenes': 0}, 'scenes is 0; expected at least 1'),
        (DatasetSettings, {'families': ()}, 'families are none; expected some of'),
        (DatasetSettings, {'longest_side': 8}, 'at least 32'),
        (DatasetSettings, {'hand': 'paw'}, "hand is 'paw'; expected one of"),
        (RgbdBagSettings, {'size': (16, 16)}, 'at least 32 x 32'),
        (RgbdBagSettings, {'seconds': 0}, 'and at least one'),
        (RgbdBagSettings, {'seed': -1}, 'seed is -1; expected at least 0'),
        (RgbdBagSettings, {'family': 'spoon'}, 'families are spoon; expected some of'),
        (ClosedLoopSettings, {'families': ('spoon',)}, 'families are spoon; expected some of'),
        (ClosedLoopSettings, {'size': (16, 16)}, 'at least 32 x 32'),
        (ClosedLoopSettings, {'noise': -0.1}, 'noise is -0.1, .* expected noise of at least 0'),
    ],
)
def test_impossible_settings_are_refused(
    settings: Callable[..., object], fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        settings(**{'seed': 1, **fields})
