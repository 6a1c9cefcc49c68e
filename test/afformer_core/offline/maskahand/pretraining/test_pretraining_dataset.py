# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from afformer_core.offline.data.augmentation.augmentation import ImageSettings
from afformer_core.offline.data.augmentation.photometric import PhotometricSettings
from afformer_core.offline.maskahand.mining.index import read_index
from afformer_core.offline.maskahand.pretraining import pretraining_dataset
from afformer_core.offline.maskahand.pretraining.clip_features import ClipFeatures
from afformer_core.offline.maskahand.pretraining.clip_images import ClipImages
from afformer_core.offline.maskahand.pretraining.pretraining_dataset import (
    PretrainingDataset,
    PretrainingExample,
    collate_pretraining,
)
from afformer_core.offline.maskahand.pretraining.synthesis import (
    SynthesisSettings,
    SyntheticImage,
    synthesize,
)
from afformer_core.offline.training.datasets.batch import Batch, FailedBatch, FailedExample
from afformer_core.offline.training.datasets.samplers import Draw

from ..mined_videos import interaction_clips, write_mined

AS_IT_IS = ImageSettings()


@pytest.fixture(scope='module')
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mined(tmp_path_factory.mktemp('mined'))


def dataset(index: Path, targets: int = 3, video: ImageSettings = AS_IT_IS) -> PretrainingDataset:
    clips = interaction_clips(read_index(index), most=3)
    images = ClipImages((32, 32), 4, 64)
    return PretrainingDataset(clips, images, SynthesisSettings(), targets, video)


def example(examples: PretrainingDataset, clip: int = 0, seed: int = 0) -> PretrainingExample:
    made = examples[Draw((clip,), (0, seed))]
    assert isinstance(made, PretrainingExample)
    return made


def test_an_example_of_each_shape(index: Path) -> None:
    for clip in range(3):
        made = example(dataset(index), clip)
        assert made.demonstration.shape == (4, 32, 32, 3)
        assert made.images.shape == (3, 32, 32, 3)
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
    images = ClipImages((32, 32), 4, 64)
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

    assert isinstance(batch, Batch)
    assert batch.samples == (2, 2, 2, 0, 0, 0)
    assert batch.videos.shape == (2, 4, 32, 32, 3)
    assert torch.equal(batch.images[3], torch.from_numpy(examples[1].images[0]))
    assert batch.supervision.targets((16, 16)).heatmaps.shape == (6, 16, 16)


def test_a_batch_with_features(index: Path) -> None:
    stages = tuple(
        np.arange(3, dtype=np.float16)[:, None, None, None, None] * np.ones((4, 2, side, side))
        for side in (8, 4)
    )
    features = ClipFeatures(stages, np.array([4, 4, 3]))
    batch = features.collate([example(dataset(index), clip) for clip in (2, 0)])

    assert isinstance(batch, Batch)
    assert [stage.shape for stage in batch.videos] == [(2, 4, 2, 8, 8), (2, 4, 2, 4, 4)]
    assert batch.videos[0][:, 0, 0, 0, 0].tolist() == [2, 0]
    assert batch.lengths.tolist() == [3, 4]
    assert len(batch) == 6


def test_a_clip_that_cannot_be_read_fails_the_batch(tmp_path: Path) -> None:
    examples = dataset(write_mined(tmp_path))
    (tmp_path / '1.mp4').unlink()
    failed = examples[Draw((1,), (0,))]

    assert isinstance(failed, FailedExample)
    batch = collate_pretraining([example(examples), failed])
    assert isinstance(batch, FailedBatch)
    assert '1.mp4' in batch.reason
