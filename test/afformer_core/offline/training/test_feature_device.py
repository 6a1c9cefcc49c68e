# SPDX-License-Identifier: Apache-2.0
"""Features are made where the model will be trained, and kept on disk wherever that is."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor

from afformer_core.models import afformer_small
from afformer_core.offline.training.datasets.feature_data import model_in_training
from afformer_core.offline.training.datasets.feature_files import ImageSet, open_features
from afformer_core.offline.training.model_training import Optimization

from ...conftest import random_model

ELSEWHERE = torch.device('meta')


def test_the_encoder_is_brought_to_the_device_of_the_trainer() -> None:
    model = random_model(afformer_small(('press', 'hold'), (64, 64)))
    Optimization(backbone_factor=0.0).freeze(model)
    trainer = SimpleNamespace(
        lightning_module=SimpleNamespace(model=model),
        strategy=SimpleNamespace(root_device=ELSEWHERE),
    )

    assert model_in_training(trainer) is model
    assert {each.device for each in model.encoder.parameters()} == {ELSEWHERE}
    assert model.encoder.mean.device == ELSEWHERE


class Elsewhere:
    """An encoder of one frozen stage on a device without values; tells what came there."""

    def __init__(self) -> None:
        self.mean = torch.zeros(3, device=ELSEWHERE)
        self.backbone_with_fpn = self
        self.stages = ('p3',)
        self.seen: list[tuple[torch.device, tuple[int, ...]]] = []

    def eval(self) -> 'Elsewhere':
        return self

    def modules(self) -> list[torch.nn.Module]:
        return []

    def frozen_stages(self) -> int:
        return 1

    def stage_parameters(self, count: int) -> list[Tensor]:
        return []

    def normalise(self, images: Tensor) -> Tensor:
        self.seen.append((images.device, tuple(images.shape)))
        return images

    def first_stages(self, images: Tensor, count: int) -> list['Brought']:
        return [Brought(torch.full((len(images), 2, 4, 4), 3.0))]


class Brought:
    """A stage that has to be brought to the host before NumPy may have it."""

    def __init__(self, values: Tensor, on_host: bool = False) -> None:
        self._values, self._on_host = values, on_host

    def half(self) -> 'Brought':
        return Brought(self._values.half(), self._on_host)

    def cpu(self) -> 'Brought':
        return Brought(self._values, on_host=True)

    def numpy(self) -> np.ndarray:
        assert self._on_host, 'NumPy cannot read from a GPU'
        return self._values.numpy()


def test_images_go_to_the_encoder_and_features_come_back(tmp_path: Path) -> None:
    encoder = Elsewhere()
    sets = [ImageSet('video', ['clip'], lambda _: np.zeros((3, 8, 8, 3), np.uint8))]

    (stage,) = open_features(tmp_path / 'kept', sets, encoder, {})['video']

    assert {device for device, _ in encoder.seen} == {ELSEWHERE}
    assert encoder.seen[-1][1] == (3, 8, 8, 3)
    assert stage.shape == (1, 3, 2, 4, 4)
    assert (stage == 3).all()
