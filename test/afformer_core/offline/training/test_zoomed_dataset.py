# SPDX-License-Identifier: Apache-2.0
"""A dataset as zoom stages see it, by a session that finds the white disc."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.errors import DatasetError
from afformer_core.media.video import read_video
from afformer_core.models import afformer_small
from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.training import zoomed_dataset
from afformer_core.offline.training.zoomed_dataset import ZoomSettings, write_zoomed_dataset
from afformer_core.runtime import ArrayGrounder, Memory
from afformer_core.runtime.coarse_to_fine import ZoomStage
from afformer_core.runtime.networks import Networks
from afformer_core.runtime.session import Decoded, EncodedLevels

from .conftest import write_pairs

SMALL = replace(afformer_small(('press', 'hold'), (64, 64)), maximum_frames=4)


class DiscSession:
    """Points where it is brightest."""

    backend = 'test'

    def encode_frames(self, frames: UInt8Array) -> FloatArray:
        return np.zeros((len(frames), 1, 8, 8), np.float32)

    def memorize(self, features: FloatArray) -> Memory:
        return Memory((features, features), (features, features))

    def encode_image(self, image: UInt8Array) -> EncodedLevels:
        return EncodedLevels(image, (), np.zeros((1, 8, 8), np.float32))

    def decode(self, image: EncodedLevels, memory: Memory) -> Decoded:
        bright = cv2.GaussianBlur(image.image[..., 0].astype(np.float32), (0, 0), 3)
        return Decoded(bright[None], np.zeros(2, np.float32))


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ZoomSettings:
    """Of eight pairs of 64 x 64 pixels, seen twice as large."""
    annotations = write_pairs(tmp_path)
    monkeypatch.setattr(
        zoomed_dataset.ArrayGrounder,
        'load',
        lambda *words, **options: ArrayGrounder(SMALL, Networks(SMALL, DiscSession())),
    )
    zoomed_dataset._grounder.cache_clear()
    return ZoomSettings(
        model=Path('model'),
        annotations=annotations,
        root=None,
        split='train',
        stages=(ZoomStage(2.0, 2.0),),
        share=1.0,
    )


def written(settings: ZoomSettings, folder: Path) -> list[dict[str, Any]]:
    list(write_zoomed_dataset(folder, settings))
    entries: list[dict[str, Any]] = json.loads((folder / 'train.json').read_text())
    return entries


def test_the_other_objects_stay_as_they_are(settings: ZoomSettings, tmp_path: Path) -> None:
    written(replace(settings, share=0.5), tmp_path / 'zoomed')
    samples = list(open_annotations(tmp_path / 'zoomed' / 'train.json'))
    own = list(open_annotations(settings.annotations))
    whole = [one for one in samples if one.image_path.resolve().parent == tmp_path]

    # Each image is an object here; the one of two actions is two samples.
    assert [one.image_path.resolve() for one in whole] == [one.image_path for one in own[-4:]]
    for sample, expected in zip(whole, own[-4:], strict=True):
        assert sample.video_path.resolve() == expected.video_path
        assert sample.actions == expected.actions
        assert [each.tolist() for each in sample.points] == [
            each.tolist() for each in expected.points
        ]
    assert 3 <= len(samples) - len(whole) <= 4


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        ({'share': 0.0}, 'expected above 0 and at most 1'),
        ({'share': 1.5}, 'expected above 0 and at most 1'),
        ({'stages': ()}, 'zoom stages is 0; expected at least 1'),
    ],
)
def test_settings_that_cannot_be_are_refused(
    settings: ZoomSettings, wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        replace(settings, **wrong)


def test_points_are_where_the_disc_is_in_the_part(settings: ZoomSettings, tmp_path: Path) -> None:
    zoomed = written(settings, tmp_path / 'zoomed')

    # Of the first pair, whose points are not at the disc, all may be elsewhere.
    assert len(zoomed) >= 7
    for entry in zoomed[-7:]:
        image = cv2.imread(str(tmp_path / 'zoomed' / entry['image_path']))
        assert image.shape[:2] == (entry['height'], entry['width']) == (32, 32)
        ((x, y),) = entry['heatmaps'][0]
        assert image[round(y), round(x)].min() > 240


def test_objects_take_turns_at_several_zooms(settings: ZoomSettings, tmp_path: Path) -> None:
    stages = (ZoomStage(2.0, 2.0), ZoomStage(4.0, 1.0))
    written(replace(settings, stages=stages), tmp_path / 'zoomed')

    for index, (frame_side, image_side) in enumerate([(32, 32), (16, 64), (32, 32), (16, 64)]):
        clip = tmp_path / 'zoomed' / f'clips/train/{index:05d}/0.mp4'
        assert read_video(clip, 1)[0].shape == (frame_side, frame_side, 3)
        image = tmp_path / 'zoomed' / f'images/train/{index:05d}/0_0.jpg'
        assert not image.exists() or cv2.imread(str(image)).shape == (image_side, image_side, 3)


def test_demonstrations_are_cut_to_where_they_act(settings: ZoomSettings, tmp_path: Path) -> None:
    entry = written(settings, tmp_path / 'zoomed')[-1]
    frames = read_video(tmp_path / 'zoomed' / entry['video_path'], 4)
    whole = read_video(tmp_path / '3.mp4', 4)

    assert [frame.shape for frame in frames] == [(32, 32, 3)] * 4
    bright = cv2.GaussianBlur(whole[0][..., 0].astype(np.float32), (0, 0), 3)
    row, column = divmod(int(bright.argmax()), 64)
    top, left = min(max(0, row - 16), 32), min(max(0, column - 16), 32)
    part = whole[0][top : top + 32, left : left + 32].astype(int)
    assert np.abs(part - frames[0]).mean() < 20


def test_a_pair_whose_target_is_elsewhere_is_left_out(
    settings: ZoomSettings, tmp_path: Path
) -> None:
    entries = json.loads(settings.annotations.read_text())
    x, y = entries[7]['heatmaps'][0][0]
    entries[7]['heatmaps'] = [[[(x + 32) % 64, (y + 32) % 64]]]
    before = len(written(settings, tmp_path / 'before'))
    settings.annotations.write_text(json.dumps(entries))
    zoomed_dataset._groups.cache_clear()

    assert len(written(settings, tmp_path / 'after')) == before - 1


def test_other_zooms_are_another_dataset(settings: ZoomSettings, tmp_path: Path) -> None:
    written(settings, tmp_path / 'zoomed')
    with pytest.raises(DatasetError, match="holds a split 'train' made with"):
        written(replace(settings, stages=(ZoomStage(1.5, 2.0),)), tmp_path / 'zoomed')
