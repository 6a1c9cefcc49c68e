# SPDX-License-Identifier: Apache-2.0
"""Copies between host and GPU while hands are looked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from afformer_core.hands import frames_on_device
from afformer_core.hands.faster_rcnn import LIGHT_ARCHITECTURE, build_motion_detector
from afformer_core.hands.faster_rcnn_hands import FasterRcnnHands, on_host
from afformer_core.hands.motion_detector import MotionHandDetector
from afformer_core.media.video import VideoFrame


class OneHand(nn.Module):
    """Finds the same hand in every image; tells what it was given."""

    def __init__(self, contact_points: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.given: list[list[Tensor]] = []
        self._contact_points = (
            {'contact_points': torch.tensor([[5.0, 6.0]])} if contact_points else {}
        )

    def forward(self, images: Sequence[Tensor]) -> list[dict[str, Tensor]]:
        self.given.append(list(images))
        found = {
            'boxes': torch.tensor([[1.0, 2.0, 3.0, 4.0]]),
            'labels': torch.tensor([2]),
            'scores': torch.tensor([0.75]),
        }
        return [found | self._contact_points for _ in images]


@pytest.fixture
def uploads(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """Every frame that is brought to the device, as it arrives there."""
    brought: list[Tensor] = []
    bring = frames_on_device.frame_tensor

    def spy(frame: np.ndarray, device: torch.device) -> Tensor:
        brought.append(bring(frame, device))
        return brought[-1]

    monkeypatch.setattr(frames_on_device, 'frame_tensor', spy)
    return brought


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Shapes of what is brought back."""
    shapes: list[tuple[int, ...]] = []
    bring = Tensor.cpu

    def spy(tensor: Tensor) -> Tensor:
        shapes.append(tuple(tensor.shape))
        return bring(tensor)

    monkeypatch.setattr(Tensor, 'cpu', spy)
    return shapes


def video(count: int) -> list[VideoFrame]:
    """Frames that are as grey as their numbers, a tenth of a second apart."""
    return [
        VideoFrame(number / 10, np.full((4, 6, 3), number, np.uint8)) for number in range(count)
    ]


def greys(image: Tensor) -> list[float]:
    return image[::3, 0, 0].tolist()


def test_each_frame_of_motion_images_comes_once(uploads: list[Tensor]) -> None:
    network = OneHand(contact_points=True)
    detector = FasterRcnnHands(network, 'one', 0.5, interval=0.2, batch_size=8)

    hands = list(detector.detect(video(20)))

    assert len(hands) == 20
    assert sorted(int(frame[0, 0, 0]) for frame in uploads) == list(range(20))
    assert {frame.dtype for frame in uploads} == {torch.uint8}
    assert [len(images) for images in network.given] == [8, 8, 4]
    assert network.given[0][7].dtype == torch.uint8
    assert network.given[0][7].shape == (21, 4, 6)
    assert greys(network.given[0][7]) == [1, 3, 5, 7, 9, 11, 13]


def test_single_frames_are_colours_of_the_device(uploads: list[Tensor]) -> None:
    network = OneHand(contact_points=False)

    list(FasterRcnnHands(network, 'one', 0.5, batch_size=2).detect(video(3)))

    assert [frame.dtype for frame in uploads] == [torch.uint8] * 3
    assert [len(images) for images in network.given] == [2, 1]
    assert network.given[1][0].shape == (3, 4, 6)
    assert network.given[1][0][0, 0, 0] == torch.tensor(2) / 255


def test_what_is_found_comes_back_once_a_batch(downloads: list[tuple[int, ...]]) -> None:
    moving = FasterRcnnHands(OneHand(contact_points=True), 'one', 0.5, interval=0.2, batch_size=4)

    hands = list(moving.detect(video(8)))

    assert downloads == [(4, 8), (4, 8)]
    assert hands[7][0].box == (1.0, 2.0, 3.0, 4.0)
    assert hands[7][0].contact_point == (5.0, 6.0)
    assert (hands[7][0].contact, hands[7][0].score) == (True, 0.75)


def test_frames_of_other_sizes_are_refused() -> None:
    frames = [*video(3), VideoFrame(0.3, np.zeros((4, 5, 3), np.uint8))]
    detector = FasterRcnnHands(OneHand(contact_points=True), 'one', 0.5, interval=0.1)

    with pytest.raises(ValueError, match=r'\(3, 4, 5\) and \(3, 4, 6\); expected one size'):
        list(detector.detect(frames))


def test_images_without_hands_among_others() -> None:
    one = {
        'boxes': torch.tensor([[1.0, 2.0, 3.0, 4.0]]),
        'labels': torch.tensor([2]),
        'scores': torch.tensor([0.5]),
    }
    none = {name: values[:0] for name, values in one.items()}

    found = on_host([none, one, none])

    assert [len(each['boxes']) for each in found] == [0, 1, 0]
    assert found[0]['boxes'].shape == (0, 4)
    assert found[1]['labels'].tolist() == [2.0]


def test_bytes_give_what_their_colours_give(motion_network: MotionHandDetector) -> None:
    rng = torch.Generator().manual_seed(0)
    images = [torch.randint(0, 256, (21, 60, 100), dtype=torch.uint8, generator=rng)] * 2
    with torch.no_grad():
        of_bytes, of_colours = (
            motion_network(each) for each in (images, [image / 255 for image in images])
        )

    assert len(of_bytes[0]['scores']) > 0
    for found, expected in zip(of_bytes, of_colours, strict=True):
        for name, values in expected.items():
            assert torch.equal(found[name], values), name


@pytest.fixture
def motion_network() -> MotionHandDetector:
    """It takes many objects for hands."""
    torch.manual_seed(0)
    detector = build_motion_detector(LIGHT_ARCHITECTURE).eval()
    with torch.no_grad():
        detector.hands.roi_heads.box_predictor.cls_score.bias[1] += 2
    return detector
