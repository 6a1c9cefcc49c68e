# SPDX-License-Identifier: Apache-2.0
"""Training on a few tiny pictures in the form of OPRA."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from afformer_core.data.opra import OpraDataset
from afformer_core.data.video import write_video
from afformer_core.errors import DatasetError
from afformer_core.models import afformer_small
from afformer_core.models.afformer import Afformer
from afformer_core.runtime.weights import load_model
from afformer_core.training.batches import BatchSource
from afformer_core.training.feature_cache import open_feature_cache
from afformer_core.training.trainer import Trainer, TrainingOptions

SIZE = (64, 64)
CONFIGURATION = replace(afformer_small(('press', 'hold'), SIZE), maximum_frames=4)


@pytest.fixture(scope='module')
def dataset(tmp_path_factory: pytest.TempPathFactory) -> OpraDataset:
    """Four demonstrations of four frames, two images each; the point is where a disc is."""
    root = tmp_path_factory.mktemp('dataset')
    random = np.random.default_rng(0)
    entries = []
    for video in range(4):
        frames = random.integers(0, 256, (4, 64, 64, 3), np.uint8)
        write_video(root / f'{video}.mp4', frames, 4.0)
        for target in range(2):
            image = random.integers(0, 100, (64, 64, 3), np.uint8)
            x, y = random.integers(10, 54, 2).tolist()
            cv2.circle(image, (x, y), 6, (255, 255, 255), -1)
            cv2.imwrite(str(root / f'{video}_{target}.png'), image)
            entries.append(
                {
                    'image_path': f'{video}_{target}.png',
                    'width': 64,
                    'height': 64,
                    'actions': [1 + video % 2],
                    'heatmaps': [[[x, y]]],
                    'video_path': f'{video}.mp4',
                }
            )
    (root / 'actions.json').write_text('["press", "hold"]')
    (root / 'train.json').write_text(json.dumps(entries))
    return OpraDataset(root / 'train.json')


def untrained_model() -> Afformer:
    torch.manual_seed(0)
    return Afformer(CONFIGURATION)


@pytest.fixture(scope='module')
def source(dataset: OpraDataset, tmp_path_factory: pytest.TempPathFactory) -> BatchSource:
    folder = tmp_path_factory.mktemp('cache') / 'features'
    samples = list(dataset)
    cache = open_feature_cache(folder, samples, untrained_model().encoder, SIZE, 4)
    return BatchSource(samples, cache, SIZE, demonstrations=2, targets=2, seed=3)


def train(source: BatchSource, folder: Path, steps: int) -> Afformer:
    options = TrainingOptions(steps=steps, warmup_steps=5, average_decay=0.9)
    Trainer(untrained_model(), source, options, folder, {}).run()
    return load_model(folder)


def test_clips_of_one_video_are_cached_apart(dataset: OpraDataset, tmp_path: Path) -> None:
    # Two frames each, at four frames a second.
    clips = [replace(dataset[0], clip=clip) for clip in ((0.0, 0.5), (0.5, 1.0))]
    encoder = Afformer(CONFIGURATION).encoder
    cache = open_feature_cache(tmp_path / 'cache', clips, encoder, SIZE, 2)
    first, second = (cache.videos[0][cache.video_rows[clip.demonstration]] for clip in clips)
    assert first.shape == second.shape
    assert not np.allclose(first, second)


def test_learns_and_leaves_the_backbone_alone(
    dataset: OpraDataset, source: BatchSource, tmp_path: Path
) -> None:
    untrained = untrained_model()
    trained = train(source, tmp_path, 40)

    assert last_divergence(trained, dataset) < last_divergence(untrained, dataset) - 0.5
    before, after = untrained.state_dict(), trained.state_dict()
    name = 'encoder.backbone_with_fpn.body.conv_stem.weight'
    assert torch.equal(before[name].half(), after[name].half())


def last_divergence(model: Afformer, dataset: OpraDataset) -> float:
    """Mean negative logarithm of the probability at the disc."""
    losses = []
    for sample in dataset:
        image = cv2.cvtColor(cv2.imread(str(sample.image_path)), cv2.COLOR_BGR2RGB)
        frames = torch.zeros((1, 4, *SIZE, 3), dtype=torch.uint8)
        with torch.no_grad():
            logits = model.eval()(torch.from_numpy(image)[None], frames)[0]
        x, y = sample.points[0][0].astype(int)
        losses.append(-float(logits.flatten().log_softmax(0).view(SIZE)[y, x]))
    return float(np.mean(losses))


def test_every_demonstration_is_seen_once_an_epoch(source: BatchSource) -> None:
    seen = torch.cat([source.batch(step).videos[0] for step in range(source.steps_per_epoch)])

    assert source.steps_per_epoch == 2
    assert len({tensor.numpy().tobytes() for tensor in seen}) == 4


def test_a_batch_depends_on_the_step_alone(source: BatchSource) -> None:
    first = source.batch(5)
    source.batch(0)

    assert torch.equal(source.batch(5).heatmaps, first.heatmaps)
    assert not torch.equal(source.batch(4).heatmaps, first.heatmaps)


def test_stopped_and_resumed_equals_not_stopped(
    source: BatchSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(source, tmp_path / 'whole', 6)
    take_step = Trainer._train_step

    def stop_at_three(self: Trainer, batch: object) -> dict[str, float]:
        if self._step == 3:
            self._write_checkpoint()
            raise KeyboardInterrupt
        return take_step(self, batch)

    monkeypatch.setattr(Trainer, '_train_step', stop_at_three)
    with pytest.raises(KeyboardInterrupt):
        train(source, tmp_path / 'parts', 6)
    monkeypatch.undo()
    resumed = train(source, tmp_path / 'parts', 6)

    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


def test_a_video_that_is_too_short(dataset: OpraDataset, tmp_path: Path) -> None:
    encoder = untrained_model().encoder
    with pytest.raises(DatasetError, match='4 frames; training takes 5'):
        open_feature_cache(tmp_path / 'cache', list(dataset), encoder, SIZE, 5)
    assert not (tmp_path / 'cache').exists()
