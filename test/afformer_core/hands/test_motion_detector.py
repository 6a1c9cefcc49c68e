# SPDX-License-Identifier: Apache-2.0
"""A detector that finds hands in one frame and sees in several whether they touch."""

from __future__ import annotations

import pytest
import torch

from afformer_core.hands.faster_rcnn import LIGHT_ARCHITECTURE, build_hand_detector
from afformer_core.hands.motion_detector import MotionHandDetector, _in_states


@pytest.fixture(scope='module')
def detector() -> MotionHandDetector:
    """Takes anything for a hand."""
    torch.manual_seed(0)
    made = build_hand_detector(LIGHT_ARCHITECTURE, 0.1)
    with torch.no_grad():
        made.hands.roi_heads.box_predictor.cls_score.bias[1] += 2
    return made


def target(*labels: int) -> dict[str, torch.Tensor]:
    boxes = torch.tensor([[10.0, 10, 60, 50]] * len(labels)).reshape(-1, 4)
    contact_points = torch.full((len(labels), 2), torch.nan)
    return {
        'boxes': boxes,
        'labels': torch.tensor(labels, dtype=torch.int64),
        'contact_points': contact_points,
    }


def test_scores_are_of_hand_and_state() -> None:
    output = {
        'boxes': torch.tensor([[0.0, 0, 1, 1], [0.0, 0, 2, 2]]),
        'labels': torch.tensor([1, 1]),
        'scores': torch.tensor([0.9, 0.8]),
        'contact_points': torch.tensor([[1.0, 1], [2.0, 2]]),
    }
    found = _in_states(output, torch.tensor([0.6, 0.1]))

    assert found['labels'].tolist() == [1, 2]
    assert found['scores'].tolist() == pytest.approx([0.72, 0.54])
    assert found['boxes'][0].tolist() == [0, 0, 2, 2]
    assert found['contact_points'].tolist() == [[2, 2], [1, 1]]


def test_bytes_give_what_their_colours_give(detector: MotionHandDetector) -> None:
    detector.eval()
    images = [torch.randint(0, 256, (21, 60, 100), dtype=torch.uint8)] * 2
    with torch.no_grad():
        found, expected = (detector(each) for each in (images, [x / 255 for x in images]))

    assert all(torch.equal(found[0][name], values) for name, values in expected[0].items())


def test_losses_of_both_parts(detector: MotionHandDetector) -> None:
    detector.train()
    losses = detector([torch.rand(21, 60, 100)] * 2, [target(2), target()])

    assert isinstance(losses, dict)
    assert set(losses) == {
        *('loss_classifier', 'loss_box_reg', 'loss_objectness', 'loss_rpn_box_reg'),
        'loss_contact',
    }
    assert all(loss > 0 for loss in losses.values())


def test_some_images_teach_contact_alone(
    detector: MotionHandDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[int] = []
    find = detector.hands.forward

    def watched(images: list[torch.Tensor], targets: list[dict[str, torch.Tensor]]) -> object:
        searched.append(len(images))
        assert [each['labels'].tolist() for each in targets] == [[1]]
        return find(images, targets)

    monkeypatch.setattr(detector.hands, 'forward', watched)
    monkeypatch.setattr(detector, 'searched_share', 0.3)
    detector.train()
    detector([torch.rand(21, 60, 100)] * 3, [target(2), target(2), target(1)])

    assert searched == [1]
    monkeypatch.setattr(detector, 'searched_share', 0.0)
    assert set(detector([torch.rand(21, 60, 100)], [target(2)])) == {'loss_contact'}
    assert searched == [1]


def test_what_is_refused(detector: MotionHandDetector) -> None:
    detector.train()
    with pytest.raises(ValueError, match='an image has 3 channels; expected 21 of 7 frames'):
        detector([torch.rand(3, 60, 100)])
    with pytest.raises(ValueError, match='expected targets in training'):
        detector([torch.rand(21, 60, 100)])
