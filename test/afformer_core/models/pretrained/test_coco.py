# SPDX-License-Identifier: Apache-2.0
"""Weights of torchvision's detector and of ImageNet in our encoders."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torchvision.models.detection import fasterrcnn_resnet50_fpn_v2

from afformer_core.errors import AfformerError
from afformer_core.models import afformer_r50, afformer_small
from afformer_core.models.afformer import Afformer
from afformer_core.models.pretrained.coco import adopt_detector, load_coco_weights
from afformer_core.models.pretrained.imagenet import load_imagenet_weights

R50 = afformer_r50(('press',), (64, 64))


@pytest.fixture(scope='module')
def detector() -> torch.nn.Module:
    torch.manual_seed(0)
    return fasterrcnn_resnet50_fpn_v2(weights=None, weights_backbone=None).eval()


@pytest.fixture(scope='module')
def file(detector: torch.nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('weights') / 'detector.pth'
    torch.save(detector.state_dict(), path)
    return path


def image() -> Tensor:
    return torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize('levels', [('p4', 'p3', 'p2'), ('p4',), ('p5',), ('p5', 'p2')])
def test_levels_are_those_of_the_detector(
    levels: tuple[str, ...], detector: torch.nn.Module, file: Path
) -> None:
    backbone = Afformer(
        replace(R50, image_levels=levels, temporal_strides=(1, 2, 4)[: len(levels)])
    ).encoder.backbone_with_fpn.eval()
    load_coco_weights(backbone, file)

    with torch.no_grad():
        expected = detector.backbone(image())
        found = backbone.pyramid(backbone.backbone(image()), levels)
    for level, tensor in zip(levels, found, strict=True):
        theirs = expected[str(int(level[1]) - 2)]
        torch.testing.assert_close(tensor, theirs, atol=1e-4, rtol=1e-4)


def test_projections_of_frames_are_those_of_the_detector_too(
    detector: torch.nn.Module, file: Path
) -> None:
    separate = replace(R50, video_projection='separate', video_levels=('p5', 'p3', 'p3'))
    backbone = Afformer(separate).encoder.backbone_with_fpn.eval()
    load_coco_weights(backbone, file)

    with torch.no_grad():
        expected = detector.backbone(image())
        found = backbone.video_pyramid(backbone.backbone(image()), ('p5', 'p3'))
    torch.testing.assert_close(found[0], expected['3'], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found[1], expected['1'], atol=1e-4, rtol=1e-4)


def test_a_shared_projection_is_the_detectors_of_the_finest_level(
    detector: torch.nn.Module, file: Path
) -> None:
    shared = replace(R50, image_levels=('p4', 'p3'), temporal_strides=(1, 2))
    backbone = Afformer(replace(shared, input_projection='shared')).encoder.backbone_with_fpn
    load_coco_weights(backbone, file)

    names = [name for name in backbone.state_dict() if 'layer_blocks' in name and 'weight' in name]
    assert names == ['fpn.layer_blocks.0.0.weight', 'fpn.layer_blocks.0.1.weight']
    theirs = detector.state_dict()['backbone.fpn.layer_blocks.1.0.weight']
    assert torch.equal(backbone.state_dict()[names[0]], theirs)


def test_a_pyramid_of_other_channels_keeps_what_it_has(file: Path) -> None:
    backbone = Afformer(replace(R50, channels=128)).encoder.backbone_with_fpn
    before = {name: tensor.clone() for name, tensor in backbone.fpn.state_dict().items()}
    load_coco_weights(backbone, file)

    assert all(torch.equal(before[n], t) for n, t in backbone.fpn.state_dict().items())


def test_a_detector_that_lacks_a_tensor(detector: torch.nn.Module) -> None:
    state = dict(detector.state_dict())
    del state['backbone.body.layer2.0.conv1.weight']

    with pytest.raises(AfformerError, match=r'layer2\.0\.conv1\.weight'):
        adopt_detector(Afformer(R50).encoder.backbone_with_fpn, state)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AfformerError, match='cannot be read from'):
        load_coco_weights(Afformer(R50).encoder.backbone_with_fpn, tmp_path / 'none.pth')


def test_every_tensor_is_replaced() -> None:
    torch.manual_seed(0)
    body = Afformer(afformer_small(('press',))).encoder.backbone_with_fpn.body
    before = {name: tensor.clone() for name, tensor in body.state_dict().items()}

    load_imagenet_weights(body)

    after = body.state_dict()
    same = [
        name
        for name, tensor in before.items()
        if tensor.is_floating_point() and torch.equal(tensor, after[name])
    ]
    assert same == []
