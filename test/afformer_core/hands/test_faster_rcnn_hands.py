# SPDX-License-Identifier: Apache-2.0
"""A Faster R-CNN as a detector of the hands in a video."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from afformer_core.files.atomic import file_sha256
from afformer_core.hands.detector_folder import load_hand_detector, save_hand_detector
from afformer_core.hands.faster_rcnn import LIGHT_ARCHITECTURE, build_hand_detector
from afformer_core.hands.faster_rcnn_hands import FasterRcnnHands, hands_of
from afformer_core.hands.open_detector import open_hand_detector
from afformer_core.media.video import VideoFrame


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector that takes anything for a hand."""
    torch.manual_seed(0)
    detector = build_hand_detector(LIGHT_ARCHITECTURE)
    with torch.no_grad():
        detector.roi_heads.box_predictor.cls_score.bias += torch.tensor([0.0, 1.0, 2.0])
    made = tmp_path_factory.mktemp('light')
    save_hand_detector(made, detector, LIGHT_ARCHITECTURE, {}, 0.75, dtype=torch.float16)
    return made


def frames(count: int) -> list[VideoFrame]:
    rng = np.random.default_rng(0)
    return [VideoFrame(i / 10, rng.integers(0, 256, (60, 100, 3), np.uint8)) for i in range(count)]


def test_what_the_folder_says(folder: Path) -> None:
    detector = FasterRcnnHands.load(folder)

    digits = file_sha256(folder / 'detector.safetensors')[:8]
    assert detector.name == f'fasterrcnn_mobilenet_v3_large_320_fpn {digits}'
    assert detector.interaction_score == 0.75
    assert open_hand_detector(str(folder), batch_size=3).batch_size == 3
    with pytest.raises(ValueError, match='batch_size is 0; expected at least 1'):
        open_hand_detector(str(folder), batch_size=0)


def test_it_gives_what_the_folders_detector_gives(folder: Path) -> None:
    """Norms are folded into convolutions, which must change nothing."""
    (frame,) = frames(1)
    plain = load_hand_detector(folder)
    (output,) = plain([torch.from_numpy(frame.image).permute(2, 0, 1) / 255])
    (hands,) = FasterRcnnHands.load(folder).detect([frame])

    expected = hands_of(output)
    assert [hand.contact for hand in hands] == [hand.contact for hand in expected]
    boxes = [np.array([hand.box for hand in each]) for each in (hands, expected)]
    np.testing.assert_allclose(*boxes, atol=0.01)
    scores = [hand.score for hand in hands]
    assert 0 < len(hands) <= 10
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= 0.05


def test_frames_together_give_what_they_give_alone(folder: Path) -> None:
    video = frames(5)
    together = list(FasterRcnnHands.load(folder, batch_size=3).detect(video))
    alone = list(FasterRcnnHands.load(folder, batch_size=1).detect(video))

    assert len(together) == 5
    for first, second in zip(together, alone, strict=True):
        assert [hand.contact for hand in first] == [hand.contact for hand in second]
        boxes = [np.array([hand.box for hand in hands]) for hands in (first, second)]
        np.testing.assert_allclose(*boxes, atol=0.01)


def test_it_reads_no_further_than_a_batch(folder: Path) -> None:
    taken = []

    def watched() -> Iterator[VideoFrame]:
        for frame in frames(6):
            taken.append(frame.time)
            yield frame

    found = FasterRcnnHands.load(folder, batch_size=2).detect(watched())
    next(found)
    next(found)

    assert len(taken) == 2


def test_a_hand_is_in_one_state() -> None:
    """Torchvision gives a box for each class."""
    output = {
        'boxes': torch.tensor([[0.0, 0, 10, 10], [0.0, 0, 10, 11], [30.0, 0, 40, 10]]),
        'labels': torch.tensor([2, 1, 1]),
        'scores': torch.tensor([0.6, 0.3, 0.9]),
    }
    hands = hands_of(output)

    assert [hand.contact for hand in hands] == [False, True]
    assert [hand.score for hand in hands] == pytest.approx([0.9, 0.6])
    assert hands[0].box == (30.0, 0.0, 40.0, 10.0)
