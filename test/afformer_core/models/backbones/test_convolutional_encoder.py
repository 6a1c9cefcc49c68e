# SPDX-License-Identifier: Apache-2.0
"""Convolutional backbones go on from the stages that a frozen part of them gave."""

import pytest
import torch

from afformer_core.models import AfformerConfiguration, afformer_r50, afformer_small

from ...conftest import random_model
from ..known_weights import random_images

SMALL = afformer_small(('press',), (64, 64))
R50 = afformer_r50(('press',), (64, 64))
BACKBONES = {
    'efficientnet_lite0': (SMALL, 'blocks.5.0.conv_pw.weight'),
    'resnet50': (R50, 'layer4.0.conv1.weight'),
}
backbones = pytest.mark.parametrize(
    ('configuration', 'last'), BACKBONES.values(), ids=BACKBONES.keys()
)


@backbones
def test_the_first_stages_are_enough(configuration: AfformerConfiguration, last: str) -> None:
    backbone = random_model(configuration).encoder.backbone_with_fpn
    images = torch.rand(1, 3, 64, 64)
    stages = backbone.backbone(images)

    for given in range(1, len(stages) + 1):
        first = backbone.first_stages(images, given)
        assert len(first) == given
        found = backbone.deepen(first)
        assert len(found) == len(stages)
        for stage, expected in zip(found, stages, strict=True):
            torch.testing.assert_close(stage, expected)


@backbones
def test_stages_before_the_first_that_learns_are_frozen(
    configuration: AfformerConfiguration, last: str
) -> None:
    backbone = random_model(configuration).encoder.backbone_with_fpn
    parameters = dict(backbone.body.named_parameters())
    backbone.requires_grad_(False)
    count = len(backbone.stages)
    assert backbone.frozen_stages() == count

    parameters[last].requires_grad_(True)
    assert backbone.frozen_stages() == count - 1

    next(iter(parameters.values())).requires_grad_(True)
    assert backbone.frozen_stages() == 0


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
