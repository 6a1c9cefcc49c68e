# SPDX-License-Identifier: Apache-2.0
"""Training on images that do not show what was demonstrated, and on time that runs backwards."""

from pathlib import Path

import numpy as np
import pytest
import torch

from afformer_core.models import afformer_small
from afformer_core.models.afformer import Afformer
from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.data.augmentation.reversal import Reversal
from afformer_core.offline.data.clip_reader import ClipReader
from afformer_core.offline.data.frame_sampling import UniformSampling
from afformer_core.offline.training.datasets.batch import Batch, collate_features, collate_images
from afformer_core.offline.training.datasets.feature_data import FeatureDataset, open_feature_cache
from afformer_core.offline.training.datasets.image_data import ImageDataset
from afformer_core.offline.training.datasets.samplers import Draw

# Of the second video with both of its images, and of the first image of the third one.
DRAW = Draw((2, 3), (0, 0), (4,))
BACKWARDS = Reversal(1.0, {0: 1, 1: 0})


def image_batch(annotations: Path, draw: Draw, reversal: Reversal | None = None) -> Batch:
    reader = ClipReader(UniformSampling(4), (64, 64))
    example = ImageDataset(open_annotations(annotations), reader, None, reversal)[draw]
    return collate_images([example])


def test_a_negative_image_has_the_uniform_heatmap(annotations: Path) -> None:
    targets = image_batch(annotations, DRAW).supervision.targets((16, 16))

    assert targets.shown.tolist() == [True, True, False]
    assert targets.actions.tolist() == [1, 1, 1]
    assert targets.heatmaps[2].numpy() == pytest.approx(np.full((16, 16), 1 / 256))
    assert float(targets.heatmaps[:2].amax(dim=(1, 2)).min()) > 2 / 256


def test_the_demonstration_is_encoded_once(annotations: Path) -> None:
    batch = image_batch(annotations, DRAW)
    model = Afformer(afformer_small(('press', 'hold'), (64, 64))).eval()
    together, _ = batch.predict(model)
    alone, _ = model(batch.images[2:], batch.videos)

    assert batch.videos.shape[0] == 1
    assert together.shape[0] == 3
    assert torch.allclose(together[2:], alone, atol=1e-4)


def test_backwards_the_last_frame_comes_first(annotations: Path) -> None:
    forwards = image_batch(annotations, DRAW)
    backwards = image_batch(annotations, DRAW, BACKWARDS)

    assert torch.equal(backwards.videos, forwards.videos.flip(1))
    assert torch.equal(backwards.images, forwards.images)
    assert backwards.supervision.actions.tolist() == [0, 0, 0]


def test_features_are_those_of_the_images(annotations: Path, tmp_path: Path) -> None:
    samples = list(open_annotations(annotations))[2:]
    model = Afformer(afformer_small(('press', 'hold'), (64, 64))).requires_grad_(False)
    cache = open_feature_cache(tmp_path / 'features', samples, model, (64, 64), 3)
    draw = Draw((0, 1), (0, 0), (2,))
    forwards, backwards = (
        collate_features([FeatureDataset(samples, cache, reversal)[draw]])
        for reversal in (None, BACKWARDS)
    )
    targets = backwards.supervision.targets((16, 16))

    assert targets.shown.tolist() == [True, True, False]
    assert targets.actions.tolist() == [0, 0, 0]
    assert all(map(torch.equal, backwards.images, forwards.images))
    for one, other in zip(backwards.videos, forwards.videos, strict=True):
        assert torch.equal(one, other.flip(1))
    assert torch.equal(forwards.images[0][2], torch.from_numpy(cache.images[0][2, 0].copy()))
