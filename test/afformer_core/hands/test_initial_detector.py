# SPDX-License-Identifier: Apache-2.0
"""The weights that the training of a detector begins with."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torchvision.models.detection import (
    FasterRCNN_MobileNet_V3_Large_320_FPN_Weights,
    fasterrcnn_mobilenet_v3_large_320_fpn,
)

from afformer_core.errors import AfformerError, ModelFolderError
from afformer_core.hands.detector_folder import save_hand_detector
from afformer_core.hands.faster_rcnn import LIGHT_ARCHITECTURE
from afformer_core.hands.initial_detector import initial_detector
from afformer_core.hands.motion_detector import MotionHandDetector

MOBILENET = 'fasterrcnn_mobilenet_v3_large_320_fpn'


def test_the_light_one_has_the_backbone_of_imagenet() -> None:
    untrained, imagenet = (
        initial_detector(LIGHT_ARCHITECTURE, each) for each in ('random', 'imagenet')
    )
    mean = 'bn1.running_mean'

    assert untrained.backbone.body.state_dict()[mean].abs().max() == 0
    assert imagenet.backbone.body.state_dict()[mean].abs().max() > 0.1


@pytest.mark.slow
def test_many_classes_become_hands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torchvision's weights come from a detector with frozen norms, which count no batches."""
    theirs = fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None)
    state = {
        name: torch.full_like(tensor, 0.5)
        for name, tensor in theirs.state_dict().items()
        if not name.endswith('num_batches_tracked')
    }
    monkeypatch.setattr(
        FasterRCNN_MobileNet_V3_Large_320_FPN_Weights,
        'get_state_dict',
        lambda self, **options: state,
    )
    found = initial_detector(MOBILENET, 'coco').state_dict()

    assert found['backbone.body.0.0.weight'].unique().tolist() == [0.5]
    assert found['roi_heads.box_head.fc6.weight'].unique().tolist() == [0.5]
    assert found['roi_heads.box_predictor.cls_score.weight'].shape == (3, 1024)
    assert found['roi_heads.box_predictor.cls_score.weight'].unique().numel() > 1


def test_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object, **options: object) -> None:
        raise OSError('no route to host')

    monkeypatch.setattr(FasterRCNN_MobileNet_V3_Large_320_FPN_Weights, 'get_state_dict', fail)
    with pytest.raises(AfformerError, match=r'cannot be downloaded: no route to host\. Put http'):
        initial_detector(MOBILENET, 'coco')


@pytest.mark.parametrize(
    ('architecture', 'weights'),
    [(LIGHT_ARCHITECTURE, 'coco'), (MOBILENET, 'imagenet')],
)
def test_weights_of_another_architecture(architecture: str, weights: str) -> None:
    with pytest.raises(AfformerError, match=f'weights of {architecture} are {weights!r}'):
        initial_detector(architecture, weights)


def test_another_detector_goes_on(tmp_path: Path) -> None:
    torch.manual_seed(1)
    before = initial_detector(LIGHT_ARCHITECTURE, 'random')
    save_hand_detector(tmp_path, before, LIGHT_ARCHITECTURE, {})
    after = initial_detector(LIGHT_ARCHITECTURE, str(tmp_path))

    assert torch.equal(after.backbone.body.conv_stem.weight, before.backbone.body.conv_stem.weight)
    assert all(parameter.requires_grad for parameter in after.parameters())
    with pytest.raises(
        ModelFolderError, match=f'contains a {LIGHT_ARCHITECTURE}; expected {MOBILENET}'
    ):
        initial_detector(MOBILENET, str(tmp_path))


def test_a_detector_of_motion_has_imagenets_weights_twice() -> None:
    detector = initial_detector(LIGHT_ARCHITECTURE, 'imagenet', 0.2)

    assert isinstance(detector, MotionHandDetector)
    finds, tells = (
        body.state_dict() for body in (detector.hands.backbone.body, detector.contact.body)
    )
    assert set(tells) < set(finds)
    stem = 'conv_stem.weight'
    assert all(torch.equal(tells[name], finds[name]) for name in tells if name != stem)
    # Of the seven frames, those before, now and after begin as red, green and blue.
    assert torch.equal(tells[stem][:, 2:5], finds[stem])
    assert tells[stem][:, [0, 1, 5, 6]].abs().max() == 0
    assert detector.hands.roi_heads.box_predictor.cls_score.out_features == 2


def test_one_of_motion_does_not_go_on_with_still_images(tmp_path: Path) -> None:
    before = initial_detector(LIGHT_ARCHITECTURE, 'random', 0.2)
    save_hand_detector(tmp_path, before, LIGHT_ARCHITECTURE, {}, interval=0.2)

    assert isinstance(initial_detector(LIGHT_ARCHITECTURE, str(tmp_path), 0.3), MotionHandDetector)
    with pytest.raises(ModelFolderError, match=r'interval of .* is 0\.2 and model\.interval is N'):
        initial_detector(LIGHT_ARCHITECTURE, str(tmp_path))
