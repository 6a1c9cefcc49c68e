# SPDX-License-Identifier: Apache-2.0
"""Files of features, for a backbone that is frozen or frozen in part."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from afformer_core.errors import DatasetError
from afformer_core.models import afformer_small
from afformer_core.models.afformer import Afformer
from afformer_core.models.backbones.encoder import Encoder
from afformer_core.offline.training.datasets.batch import (
    AnnotatedPoints,
    Batch,
    FeatureExample,
    collate_features,
)
from afformer_core.offline.training.datasets.feature_files import ImageSet, open_features
from afformer_core.offline.training.model_training import Optimization

from ....conftest import random_model

LEARNING = Optimization(
    backbone_factor=0.1,
    frozen=tuple(
        f'encoder.backbone_with_fpn.body.{name}'
        for name in ('conv_stem', 'bn1', 'blocks.0', 'blocks.1', 'blocks.2')
    ),
)
FROZEN = Optimization(backbone_factor=0.0)
SMALL = replace(
    afformer_small(('press', 'hold'), (64, 64)), image_levels=('p4',), temporal_strides=(1,)
)
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 64, 64, 3), np.uint8)
SETS = [
    ImageSet('video', ['clip'], lambda _: IMAGES[:4]),
    ImageSet('image', ['photo'], lambda _: IMAGES[4:]),
]


def batch(folder: Path, model: Afformer) -> Batch:
    """One demonstration and one image, as they are kept."""
    features = open_features(folder, SETS, model.encoder, {})
    example = FeatureExample(
        tuple(stage[0] for stage in features['video']),
        tuple(stage[0] for stage in features['image']),
        (AnnotatedPoints((np.array([[0.5, 0.5]]),), (0,), 0),),
    )
    return collate_features([example])


def model() -> Afformer:
    return random_model(afformer_small(('press', 'hold'), (64, 64)))


def test_a_partly_frozen_backbone_is_kept_up_to_what_learns(tmp_path: Path) -> None:
    afformer = model()
    LEARNING.freeze(afformer)
    kept = batch(tmp_path / 'kept', afformer)
    assert [stage.shape[2] for stage in kept.videos] == [40]

    heatmaps, actions = kept.predict(afformer)

    expected = afformer(torch.from_numpy(IMAGES[4:]), torch.from_numpy(IMAGES[None, :4]))
    torch.testing.assert_close(heatmaps, expected[0], atol=2e-2, rtol=0)
    torch.testing.assert_close(actions, expected[1], atol=2e-2, rtol=0)
    heatmaps.square().sum().backward()
    body = afformer.encoder.backbone_with_fpn.body
    learnt = {name for name, each in body.named_parameters() if each.grad is not None}
    assert 'blocks.3.0.conv_pw.weight' in learnt
    assert not any(name.startswith(('conv_stem', 'blocks.2')) for name in learnt)


def test_what_is_kept_of_a_backbone_that_learns_is_not_used(tmp_path: Path) -> None:
    first, second = model(), model()
    FROZEN.freeze(first)
    LEARNING.freeze(second)

    first.train().encoder.backbone_with_fpn.body.bn1.eval()
    kept = batch(tmp_path / 'kept', first)
    assert [stage.shape[2] for stage in kept.videos] == [40, 112, 320]
    # The modes are those of before.
    assert first.encoder.training
    assert not first.encoder.backbone_with_fpn.body.bn1.training
    assert len(batch(tmp_path / 'kept', second).images) == 1


def test_a_model_of_coarser_levels_uses_what_one_of_finer_levels_kept(tmp_path: Path) -> None:
    finer, coarser = (
        random_model(replace(SMALL, image_levels=(level,), video_levels=(level,)))
        for level in ('p2', 'p5')
    )
    bodies = [each.encoder.backbone_with_fpn.body for each in (finer, coarser)]
    bodies[1].load_state_dict(bodies[0].state_dict())
    FROZEN.freeze(finer)
    FROZEN.freeze(coarser)
    batch(tmp_path / 'kept', finer)
    made = (tmp_path / 'kept' / 'key.json').stat().st_mtime_ns

    kept = batch(tmp_path / 'kept', coarser)

    assert [stage.shape[1:] for stage in kept.images] == [(320, 2, 2)]
    assert (tmp_path / 'kept' / 'key.json').stat().st_mtime_ns == made


def test_features_of_another_backbone_are_made_anew(tmp_path: Path) -> None:
    first, second = model(), model()
    FROZEN.freeze(first)
    FROZEN.freeze(second)
    before = batch(tmp_path / 'kept', first).images
    with torch.no_grad():
        for parameter in second.encoder.backbone_with_fpn.body.parameters():
            parameter.mul_(1.1)

    after = batch(tmp_path / 'kept', second).images

    assert not torch.allclose(after[0], before[0])


@pytest.mark.usefixtures('small_disk')
def test_a_full_disk_is_told_with_the_folder_and_nothing_is_left(tmp_path: Path) -> None:
    afformer = model()
    FROZEN.freeze(afformer)
    with pytest.raises(DatasetError, match=r'written to the cache folder .* Free some space'):
        batch(tmp_path / 'kept', afformer)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match='the first stage of the backbone is trained'):
        batch(tmp_path / 'kept', afformer.requires_grad_(True))
    assert list(tmp_path.iterdir()) == []


def test_two_runs_at_once_make_them_once(tmp_path: Path) -> None:
    running, made = threading.Barrier(2), []

    def read(name: str) -> NDArray[np.uint8]:
        made.append(name)
        time.sleep(0.3)
        return IMAGES[4:]

    def run(encoder: Encoder) -> None:
        running.wait()
        open_features(tmp_path / 'kept', [ImageSet('image', ['photo'], read)], encoder, {})

    models = [model(), model()]
    for each in models:
        FROZEN.freeze(each)
    runs = [threading.Thread(target=run, args=(each.encoder,)) for each in models]
    for thread in runs:
        thread.start()
    for thread in runs:
        thread.join()
    assert made == ['photo']
    assert sorted(path.name for path in (tmp_path / 'kept').iterdir()) == [
        'image_p3.npy', 'image_p4.npy', 'image_p5.npy', 'key.json',
    ]  # fmt: skip


def test_a_long_clip_is_computed_as_its_frames_are_in_the_order_of_the_stacks(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(1)
    clips = rng.integers(0, 256, (9, 16, 64, 64, 3), np.uint8)
    afformer = model()
    FROZEN.freeze(afformer)
    sets = [
        ImageSet('clips', range(9), lambda number: clips[number]),
        ImageSet('halves', range(18), lambda number: clips.reshape(18, 8, 64, 64, 3)[number]),
    ]
    features = open_features(tmp_path / 'kept', sets, afformer.encoder, {})

    for whole, halves in zip(features['clips'], features['halves'], strict=True):
        assert np.array_equal(whole, np.reshape(halves, whole.shape))
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    again = open_features(tmp_path / 'again', sets, afformer.encoder, {})
    torch.set_num_threads(threads)
    assert np.array_equal(again['clips'][0], features['clips'][0])
