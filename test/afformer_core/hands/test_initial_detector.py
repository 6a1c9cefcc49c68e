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
from afformer_core.hands.faster_rcnn import LIGHT_ARCHITECTURE, OFFICIAL_ARCHITECTURE
from afformer_core.hands.initial_detector import initial_detector


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
    found = initial_detector(LIGHT_ARCHITECTURE, 'coco').state_dict()

    assert found['backbone.body.0.0.weight'].unique().tolist() == [0.5]
    assert found['roi_heads.box_head.fc6.weight'].unique().tolist() == [0.5]
    assert found['roi_heads.box_predictor.cls_score.weight'].shape == (3, 1024)
    assert found['roi_heads.box_predictor.cls_score.weight'].unique().numel() > 1


def test_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object, **options: object) -> None:
        raise OSError('no route to host')

    monkeypatch.setattr(FasterRCNN_MobileNet_V3_Large_320_FPN_Weights, 'get_state_dict', fail)
    with pytest.raises(AfformerError, match=r'cannot be downloaded: no route to host\. Put http'):
        initial_detector(LIGHT_ARCHITECTURE, 'coco')


def test_another_detector_goes_on(tmp_path: Path) -> None:
    torch.manual_seed(1)
    before = initial_detector(LIGHT_ARCHITECTURE, 'random')
    save_hand_detector(tmp_path, before, LIGHT_ARCHITECTURE, {})
    after = initial_detector(LIGHT_ARCHITECTURE, str(tmp_path))

    name = 'backbone.body.0.0.weight'
    assert torch.equal(after.state_dict()[name], before.state_dict()[name])
    assert all(parameter.requires_grad for parameter in after.parameters())
    with pytest.raises(
        ModelFolderError,
        match=f'contains a {LIGHT_ARCHITECTURE}; expected {OFFICIAL_ARCHITECTURE}',
    ):
        initial_detector(OFFICIAL_ARCHITECTURE, str(tmp_path))
