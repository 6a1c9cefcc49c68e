# SPDX-License-Identifier: Apache-2.0
"""A step on a GPU never asks the GPU for a value, which would wait for the answer.

Tensors of the device `meta` have no values: whoever asks for one gets an error.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import nn

from afformer_core.offline.training.architecture import Architecture
from afformer_core.offline.training.callbacks.averaging import MovingAverage
from afformer_core.offline.training.datasets.batch import Batch, BoxSupervision, PointSupervision
from afformer_core.offline.training.losses import GroundingLoss
from afformer_core.offline.training.module import GroundingTraining

META = torch.device('meta')
NAN = float('nan')
# The second image shows another object.
POINTS = torch.tensor([[[0.5, 0.5]], [[NAN, NAN]]], dtype=torch.float64)
CORNERS = torch.tensor([[0.2, 0.2], [0.6, 0.2], [0.6, 0.6], [0.2, 0.6]])
ANNOTATED = PointSupervision(POINTS, torch.tensor([0, 1]), torch.tensor([0, 1]))
BOXED = BoxSupervision(torch.stack((CORNERS, torch.full((4, 2), NAN)))[:, None])
# Stages of an EfficientNet-Lite0 at strides 8 to 32.
STAGES = ((40, 8), (112, 4), (320, 2))
IMAGES = torch.zeros(2, 64, 64, 3, dtype=torch.uint8)
FRAMES = torch.zeros(2, 3, 64, 64, 3, dtype=torch.uint8)
VIDEOS = tuple(torch.zeros(2, 3, channels, side, side) for channels, side in STAGES)

BATCHES = {
    'images': Batch(ANNOTATED, (0, 1), FRAMES, IMAGES, torch.tensor([3, 3])),
    'padded': Batch(ANNOTATED, (0, 1), FRAMES, IMAGES, torch.tensor([3, 2])),
    'features': Batch(ANNOTATED, (0, 1), VIDEOS, tuple(each[:, 0] for each in VIDEOS)),
    'mixed': Batch(BOXED, (0, 1), VIDEOS, IMAGES, torch.tensor([3, 2])),
}


def training(loss: GroundingLoss) -> GroundingTraining:
    architecture = Architecture('afformer_small', input_size=(64, 64), maximum_frames=4)
    return GroundingTraining(architecture, ('press', 'hold'), loss)


@pytest.mark.parametrize('batch', BATCHES.values(), ids=BATCHES)
@pytest.mark.parametrize(
    'loss',
    [
        GroundingLoss('cross_entropy', precision_weight=0.1),
        GroundingLoss('multi_label', precision_weight=0.1),
        GroundingLoss(heatmap_size=(28, 28)),
    ],
    ids=['cross_entropy', 'multi_label', 'at_28'],
)
def test_a_step_reads_nothing_back(
    batch: Batch, loss: GroundingLoss, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = training(loss).to(META)
    # There is no mixed precision on that device.
    monkeypatch.setattr(torch, 'autocast', lambda *_, **__: nullcontext())
    # Every tenth step looks whether the loss is finite.
    monkeypatch.setattr(GroundingTraining, 'global_step', 1)

    found = module.training_step(batch.to(META), 0)
    found.backward()

    assert found.device == META


def test_a_loss_that_is_not_finite_ends_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    module = training(GroundingLoss())
    nn.init.constant_(module.model.decoder.image_level_embeds[0], NAN)
    monkeypatch.setattr(GroundingTraining, 'global_step', 1)
    module.training_step(BATCHES['features'], 0)

    for check in (
        module.on_train_epoch_end,
        module.on_validation_epoch_start,
        lambda: module.on_save_checkpoint({}),
    ):
        with pytest.raises(
            ValueError, match=r'training diverged: the loss is nan at step 1\. Lower'
        ):
            check()
    monkeypatch.setattr(GroundingTraining, 'global_step', 10)
    with pytest.raises(ValueError, match=r'training diverged: the loss is nan at step 10\. Lower'):
        module.training_step(BATCHES['features'], 0)


class Weights(LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.some = nn.Parameter(torch.zeros(3))
        self.more = nn.Parameter(torch.zeros(2, 2))


def averaged(module: Weights) -> MovingAverage:
    callback = MovingAverage(decay=0.9)
    callback.setup(Trainer(accelerator='cpu', logger=False, barebones=True), module, 'fit')
    return callback


def test_the_moving_average_reads_nothing_back() -> None:
    module = Weights().to(META)
    average = averaged(module)._average_model
    for _ in range(3):
        average.update_parameters(module)

    assert average.module.some.device == META
    assert average.n_averaged.device.type == 'cpu'
    assert int(average.n_averaged) == 3


def test_the_moving_average_forgets_the_beginning_fast() -> None:
    module = Weights()
    average = averaged(module)._average_model
    found = []
    for value in (1.0, 2.0, 3.0):
        nn.init.constant_(module.some, value)
        average.update_parameters(module)
        found.append(average.module.some[0].item())
    nn.init.constant_(module.some, 10.0)
    average.n_averaged.fill_(1000)
    average.update_parameters(module)

    # Of what there was, 2/11, 3/12 and at most the decay are kept.
    second = 2 / 11 * 1 + 9 / 11 * 2
    third = 3 / 12 * second + 9 / 12 * 3
    assert found == pytest.approx([1.0, second, third])
    assert average.module.some[0].item() == pytest.approx(0.9 * third + 0.1 * 10)


class Copied:
    """A tensor that tells how it was asked to move."""

    asked: dict[str, Any]

    def to(self, device: torch.device, non_blocking: bool) -> Copied:
        self.asked = {'device': device.type, 'non_blocking': non_blocking}
        return self


class Nothing(BoxSupervision):
    """Supervision without tensors."""

    def __init__(self) -> None:
        super().__init__(torch.zeros(0, 1, 4, 2))

    def moved(self, move: object) -> BoxSupervision:
        return self


@pytest.mark.parametrize(('device', 'waits_not'), [('cuda', True), ('cpu', False)])
def test_a_batch_is_copied_to_a_gpu_while_the_host_goes_on(device: str, waits_not: bool) -> None:
    frames = Copied()
    Batch(Nothing(), (0,), frames, Copied(), torch.tensor([3])).to(torch.device(device))
    assert frames.asked == {'device': device, 'non_blocking': waits_not}
