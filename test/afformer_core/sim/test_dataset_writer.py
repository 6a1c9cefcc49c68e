# SPDX-License-Identifier: Apache-2.0
"""Simulated datasets: written, resumed, and read back by the reader of OPRA's annotations."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from afformer_core.cli import simulate
from afformer_core.data.opra import OpraDataset
from afformer_core.data.verification import find_problems
from afformer_core.data.video import read_video
from afformer_core.errors import DatasetError
from afformer_core.sim.appliance import ACTIONS, Kind
from afformer_core.sim.dataset_writer import DatasetPlan, write_dataset

PLAN = DatasetPlan(seed=3, appliances=2, frames=3, longest_side=64)


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('simulated')
    assert list(write_dataset(folder, 'train', PLAN)) == [0, 1, 2]
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }


def test_the_opra_reader_reads_it(folder: Path) -> None:
    dataset = OpraDataset(folder / 'train.json')
    assert find_problems(dataset, decode=True) == []
    assert dataset.action_names == ACTIONS
    assert len(dataset) == 18
    assert len({sample.video_path for sample in dataset}) == 6
    assert len({sample.image_path for sample in dataset}) == 6
    for sample in dataset:
        picture = cv2.imread(str(sample.image_path))
        assert picture.shape == (sample.image_size[1], sample.image_size[0], 3)
        assert read_video(sample.video_path).shape[0] == 3
        assert sample.scene is not None
        kind = Kind(sample.scene.kinds[sample.scene.element])
        assert dataset.action_names[sample.actions[0]] in kind.actions


def test_points_lie_on_the_demonstrated_element(folder: Path) -> None:
    for sample in OpraDataset(folder / 'train.json'):
        assert sample.scene is not None
        polygon = sample.scene.polygons[sample.scene.element].astype(np.float32)
        assert sample.points[0].shape == (10, 2)
        for point in sample.points[0].tolist():
            assert cv2.pointPolygonTest(polygon, point, True) > -0.6


def test_one_appliance_has_demonstrations_of_different_elements(folder: Path) -> None:
    scenes = [sample.scene for sample in OpraDataset(folder / 'train.json')]
    for scene_id in ('train/00000', 'train/00001'):
        elements = [s.element for s in scenes if s is not None and s.scene_id == scene_id]
        assert len(elements) == 9
        assert len(set(elements)) == 3


def test_two_processes_write_the_same_bytes_as_one(folder: Path, tmp_path: Path) -> None:
    list(write_dataset(tmp_path, 'train', PLAN, processes=2))
    assert contents(tmp_path) == contents(folder)


def test_an_interrupted_run_is_continued(folder: Path, tmp_path: Path) -> None:
    progress = write_dataset(tmp_path, 'train', PLAN)
    assert next(progress) == 0
    assert next(progress) == 1
    progress.close()
    assert not (tmp_path / 'train.json').exists()
    assert list(write_dataset(tmp_path, 'train', PLAN)) == [1, 2]
    assert contents(tmp_path) == contents(folder)


def test_a_smaller_dataset_is_the_beginning_of_a_larger_one(folder: Path, tmp_path: Path) -> None:
    list(write_dataset(tmp_path, 'train', replace(PLAN, appliances=1)))
    whole = json.loads((folder / 'train.json').read_text())
    assert json.loads((tmp_path / 'train.json').read_text()) == whole[:9]


def test_another_plan_in_the_same_folder_is_refused(folder: Path) -> None:
    with pytest.raises(DatasetError, match='made with'):
        next(write_dataset(folder, 'train', replace(PLAN, seed=4)))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'appliances': 0}, 'appliances must be at least 1'),
        ({'demonstrations': 6}, 'at most 5'),
        ({'longest_side': 8}, 'at least 32'),
        ({'seed': -1}, 'negative'),
    ],
)
def test_an_impossible_plan_is_refused(change: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(PLAN, **change)


def test_the_command_renders_what_it_is_asked_for(tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    simulate.add_parser(parser.add_subparsers())
    arguments = parser.parse_args(
        [
            'simulate',
            str(tmp_path),
            '--split',
            'test',
            '--appliances',
            '1',
            '--frames',
            '2',
            '--longest-side',
            '48',
            '--targets',
            '1',
        ]
    )
    assert arguments.run(arguments) == 0
    assert len(OpraDataset(tmp_path / 'test.json')) == 3
