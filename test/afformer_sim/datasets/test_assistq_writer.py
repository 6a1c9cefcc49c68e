# SPDX-License-Identifier: Apache-2.0
"""Simulated videos in AssistQ's form, read back by the reader of AssistQ."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afformer_core.data.annotated_dataset import AnnotatedDataset
from afformer_core.data.annotations import open_annotations
from afformer_core.data.verification import find_problems
from afformer_core.media.video import read_video
from afformer_sim.datasets.assistq_text import PURPOSES
from afformer_sim.datasets.assistq_writer import (
    AssistqSettings,
    panel_families,
    write_assistq,
)
from afformer_sim.scene.view import plan_target

SETTINGS = AssistqSettings(
    seed=1,
    scenes=2,
    families=('keypad',),
    demonstrations=3,
    images=2,
    seconds=2,
    rate=3,
    longest_side=64,
)


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('assistq')
    assert list(write_assistq(folder, 'train', SETTINGS)) == [0, 1, 2]
    return folder


@pytest.fixture(scope='module')
def dataset(folder: Path) -> AnnotatedDataset:
    return open_annotations(folder / 'train.json')


def target(folder: Path, index: int) -> list[dict[str, object]]:
    steps = json.loads((folder / 'scenes' / 'train' / f'{index:05d}.json').read_text())['steps']
    assert isinstance(steps, list)
    return steps


def test_every_demonstration_and_image_is_a_sample(dataset: AnnotatedDataset) -> None:
    assert find_problems(dataset, decode=True) == []
    assert len(dataset) == 2 * 3 * 2
    assert not dataset.manifest.left_out


def test_samples_show_the_demonstrated_element_while_it_is_spoken_of(
    dataset: AnnotatedDataset, folder: Path
) -> None:
    for index in range(2):
        for number, step in enumerate(target(folder, index)):
            for image in range(2):
                sample = dataset[6 * index + 2 * number + image]
                assert sample.scene is not None
                assert sample.scene.element == step['element']
                assert sample.image_path.name == f'{image}.jpg'
                assert sample.clip == (4 * number + 1, 4 * number + 3)
                clip = read_video(sample.video_path, clip=sample.clip)
                assert len(clip) in (6, 7)
                contact = step['contact']
                assert isinstance(contact, list)
                assert contact[0] < 4 * number + 3
                assert contact[1] > 4 * number + 1


def test_a_video_holds_all_demonstrations_and_the_seconds_between(folder: Path) -> None:
    for video in (folder / 'train').iterdir():
        frames = read_video(video / 'video.mp4')
        assert len(frames) == 3 * 4 * 3
        assert max(frames.shape[1:3]) == 64


def test_boxes_are_those_of_the_elements_in_the_images(
    dataset: AnnotatedDataset, folder: Path
) -> None:
    scene = SETTINGS.scene(1)
    sample = dataset[6]
    assert sample.scene is not None
    view = plan_target(scene, 0, SETTINGS.longest_side)
    assert sample.image_size == view.size
    assert len(sample.scene.polygons) == len(scene.fixture.elements)
    for index, polygon in enumerate(sample.scene.polygons):
        outline = view.outline(scene.fixture, index)
        for corner in ('min', 'max'):
            box = getattr(polygon, corner)(axis=0)
            np.testing.assert_allclose(box, getattr(outline, corner)(axis=0), atol=1.001)
        assert (polygon.min(axis=0) <= outline.min(axis=0)).all()
        assert (polygon.max(axis=0) >= outline.max(axis=0)).all()


def test_no_two_purposes_share_a_word() -> None:
    words = [word for purpose in PURPOSES for word in purpose.split() if word not in ('a', 'the')]
    assert len(words) == len(set(words))


def test_panels_are_taken_where_there_are_any() -> None:
    assert panel_families(('mugs', 'keypad', 'doors')) == ('keypad',)
    assert panel_families(('mugs', 'doors')) == ('mugs', 'doors')


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'demonstrations': 13}, 'at most 12'),
        ({'seconds': 1.5}, 'whole numbers'),
        ({'rate': 0}, 'rate is 0; expected at least 1'),
        ({'longest_side': 8}, 'at least 32'),
    ],
)
def test_impossible_settings_are_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(SETTINGS, **change)


def test_a_name_that_assistq_would_cut_off_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='without one'):
        write_assistq(tmp_path, 'train_1', SETTINGS)
