# SPDX-License-Identifier: Apache-2.0
"""The whole network: batches, padding, shapes and its two backbones."""

import torch
from torch import Tensor

from afformer_core.models import afformer_r50

from ..conftest import random_model

ACTIONS = ('press', 'hold', 'push')


R50 = afformer_r50(ACTIONS, (64, 64))


def random_images(*shape: int) -> Tensor:
    rng = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=rng)


def test_the_stage_that_is_computed_again_gets_the_same_gradients() -> None:
    images, frames = random_images(1, 64, 64, 3), random_images(1, 2, 64, 64, 3)
    gradients = []
    for recomputes in (True, False):
        model = random_model(R50).requires_grad_(True)
        model.encoder.backbone_with_fpn.body.recomputes = recomputes
        heatmaps, _ = model(images, frames)
        heatmaps.square().mean().backward()
        gradients.append(model.encoder.backbone_with_fpn.body.conv1.weight.grad)

    torch.testing.assert_close(gradients[0], gradients[1])
    assert gradients[0].abs().sum() > 0
