# SPDX-License-Identifier: Apache-2.0
import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from afformer_core.errors import DatasetError
from afformer_core.offline.data.augmentation.augmentation import ImageSettings
from afformer_core.offline.data.augmentation.photometric import PhotometricSettings
from afformer_core.offline.maskahand.mining.index import HandIndex, read_index
from afformer_core.offline.maskahand.pretraining import pretraining_data, pretraining_dataset
from afformer_core.offline.maskahand.pretraining.clip_images import ClipImages
from afformer_core.offline.maskahand.pretraining.pretraining_data import ClipFeatures, StoredClips
from afformer_core.offline.maskahand.pretraining.pretraining_dataset import (
    PretrainingDataset,
    PretrainingExample,
    collate_pretraining,
    example_grid,
)
from afformer_core.offline.maskahand.pretraining.synthesis import (
    SynthesisSettings,
    SyntheticImage,
    synthesize,
)
from afformer_core.offline.training.datasets.batch import FailedBatch
from afformer_core.offline.training.datasets.batched_data import collated
from afformer_core.offline.training.datasets.samplers import Draw

from ..mined_videos import interaction_clips, write_index, write_mined

AS_IT_IS = ImageSettings()


@pytest.fixture(scope='module')
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mined(tmp_path_factory.mktemp('mined'))


def dataset(index: Path, targets: int = 3, video: ImageSettings = AS_IT_IS) -> PretrainingDataset:
    clips = interaction_clips(read_index(index), most=3)
    images = ClipImages((24, 32), 4, 64)
    return PretrainingDataset(clips, images, SynthesisSettings(), targets, video)


def example(examples: PretrainingDataset, clip: int = 0, seed: int = 0) -> PretrainingExample:
    made = examples[Draw((clip,), (0, seed))]
    assert isinstance(made, PretrainingExample)
    return made


def test_an_example_of_each_shape(index: Path) -> None:
    for clip in range(3):
        made = example(dataset(index), clip)
        assert made.demonstration.shape == (4, 24, 32, 3)
        assert made.images.shape == (3, 24, 32, 3)
        assert [corners.shape for corners in made.corners] == [(1, 4, 2)] * 3


def test_a_draw_decides_all_that_is_random(index: Path) -> None:
    first, same, other = (example(dataset(index), seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.images, same.images)
    assert not np.array_equal(first.images, other.images)


def test_targets_of_a_clip_differ(index: Path) -> None:
    made = example(dataset(index, targets=5))
    images = {image.tobytes() for image in made.images}
    assert len(images) == 5


def test_so_many_images_are_of_before_the_hand_came(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = []

    def watched(*arguments: Any) -> SyntheticImage:
        given.append((arguments[2].number, arguments[5] is not None))
        return synthesize(*arguments)

    monkeypatch.setattr(pretraining_dataset, 'synthesize', watched)
    clips = interaction_clips(read_index(index), most=3)
    first, *others = clips[0].interactions
    clip = replace(clips[0], interactions=(replace(first, hand_free=0), *others))
    images = ClipImages((24, 32), 4, 64)
    for share, expected in ((0.0, [0]), (0.5, range(60, 141)), (1.0, [200])):
        given.clear()
        settings = SynthesisSettings(hand_free_share=share)
        example(PretrainingDataset([clip], images, settings, 200, AS_IT_IS))
        assert sum(before for _, before in given) in expected
        assert {number for number, before in given if before} <= {first.number}


def test_the_demonstration_changes_as_it_should(index: Path) -> None:
    brighter = ImageSettings(photometric=PhotometricSettings(brightness=0.5))
    plain, changed = (example(dataset(index, video=video)) for video in (AS_IT_IS, brighter))
    assert not np.array_equal(plain.demonstration, changed.demonstration)


def test_a_batch_of_images(index: Path) -> None:
    examples = [example(dataset(index), clip) for clip in (2, 0)]
    batch = collate_pretraining(examples)

    assert batch.samples == (2, 2, 2, 0, 0, 0)
    assert batch.videos.shape == (2, 4, 24, 32, 3)
    assert torch.equal(batch.images[3], torch.from_numpy(examples[1].images[0]))
    assert batch.supervision.targets((16, 16)).heatmaps.shape == (6, 16, 16)


def test_a_batch_with_features(index: Path) -> None:
    stages = tuple(
        np.arange(3, dtype=np.float16)[:, None, None, None, None] * np.ones((4, 2, side, side))
        for side in (8, 4)
    )
    features = ClipFeatures(stages, np.array([4, 4, 3]))
    batch = features.collate([example(dataset(index), clip) for clip in (2, 0)])

    assert [stage.shape for stage in batch.videos] == [(2, 4, 2, 8, 8), (2, 4, 2, 4, 4)]
    assert batch.videos[0][:, 0, 0, 0, 0].tolist() == [2, 0]
    assert batch.lengths.tolist() == [3, 4]
    assert len(batch) == 6


def test_features_are_of_some_frames_a_size_and_videos_as_they_are(tmp_path: Path) -> None:
    clips = interaction_clips(read_index(write_mined(tmp_path)), most=3)
    images = ClipImages((24, 32), 4, 64)
    others = (images, replace(images, frames=5), replace(images, size=(32, 24)))
    digests = {pretraining_data._digest(clips, each) for each in others}
    os.utime(tmp_path / '2.mp4', (1, 1))
    assert len({*digests, pretraining_data._digest(clips, images)}) == 4


def test_a_clip_that_cannot_be_read_fails_the_batch(tmp_path: Path) -> None:
    examples = dataset(write_mined(tmp_path))
    (tmp_path / '1.mp4').unlink()
    failed = examples[Draw((1,), (0,))]

    batch = collated(collate_pretraining, [example(examples), failed])
    assert isinstance(batch, FailedBatch)
    assert '1.mp4' in batch.reason


LEFT = np.array([[[0.1, 0.4], [0.3, 0.4], [0.3, 0.6], [0.1, 0.6]]], np.float32)
RIGHT = 1 - LEFT


def _example(frames):
    shades = np.arange(frames, dtype=np.uint8)[:, None, None, None] * 20
    demonstration = shades + np.zeros((1, 32, 32, 3), np.uint8)
    images = np.full((2, 32, 32, 3), 90, np.uint8)
    return PretrainingExample(demonstration, images, (LEFT, RIGHT), 0)


def test_a_row_tells_what_is_shown_and_what_is_looked_for():
    grid = example_grid([_example(5)], side=40)
    first_row = [grid[20, 44 * column + 20].tolist() for column in range(4)]
    assert first_row == [[0] * 3, [40] * 3, [80] * 3, [90] * 3]
    targets = [grid[top : top + 40, 4 * 44 :].astype(int) for top in (0, 44)]
    brightest = [int(np.ptp(target, axis=2).max(axis=0).argmax()) for target in targets]
    assert brightest[0] < 20 < brightest[1]


def test_a_short_demonstration_leaves_tiles_empty():
    grid = example_grid([_example(1)], side=40)
    assert (grid[:40, 44:128] == 255).all()


@pytest.mark.parametrize('hidden_score', [None, 0.6])
def test_clips_are_those_of_the_whole_index(tmp_path: Path, hidden_score: float | None) -> None:
    path = write_mined(tmp_path, 40, 8)
    index = read_index(path)
    # Hands come into view in frame 20, where they touch.
    videos = [
        replace(video, hands={frame: video.hands[frame] for frame in range(20, 40)})
        for video in index.videos
    ]
    index = replace(index, videos=tuple(videos))
    write_index(path, index)
    expected = interaction_clips(index, 3, hidden_score)

    stored = StoredClips(path, 3, hidden_score)

    assert list(stored) == expected
    assert stored[-1] == expected[-1]
    assert pickle.loads(pickle.dumps(stored))[4] == expected[4]
    assert any(clip.hand_free for clip in stored) == (hidden_score is not None)
    with pytest.raises(IndexError):
        stored[len(expected)]


def test_an_index_without_an_interaction_is_told(tmp_path: Path) -> None:
    write_index(tmp_path / 'index.json', HandIndex({}, 0.9, ()))
    with pytest.raises(DatasetError, match='no frame of the 0 clips of the index has a hand'):
        StoredClips(tmp_path / 'index.json', 3, None)
