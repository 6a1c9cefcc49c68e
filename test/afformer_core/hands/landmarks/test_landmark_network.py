# SPDX-License-Identifier: Apache-2.0
"""Landmarks of a turned region of an image, and the network itself."""

from __future__ import annotations

import math

import numpy as np
import pytest

from afformer_core.hands.landmarks import landmark_network
from afformer_core.hands.landmarks.hand_networks import HandNetwork
from afformer_core.hands.landmarks.hand_region import HandRegion
from afformer_core.hands.landmarks.landmark_network import LandmarkNetwork

from .drawn_hand import drawn_hand


class _Network:
    """Sees a hand in every crop, and keeps the crop."""

    side = 224

    def __init__(self) -> None:
        self.crop = np.empty(0)

    def run(self, crop: np.ndarray) -> list[np.ndarray]:
        self.crop = crop
        values = np.zeros((21, 3), np.float32)
        values[4], values[8] = (224, 112, 33), (112, 0, -33)
        return [values.ravel(), np.float32([0.625]), np.float32([0.51])]


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> _Network:
    double = _Network()
    monkeypatch.setattr(landmark_network, 'HandNetwork', lambda *_: double)
    return double


REGION = HandRegion(166, 182, 100, math.atan2(3, 4))


def test_landmarks_are_in_pixels_of_the_image(network: _Network) -> None:
    hand = LandmarkNetwork().read(np.zeros((400, 500, 3), np.uint8), REGION)

    assert hand.landmarks.shape == (21, 2)
    assert hand.landmarks[4] == pytest.approx([206, 212])
    assert hand.landmarks[8] == pytest.approx([196, 142])
    assert hand.score == 0.625


def test_fingers_are_up_in_the_crop(network: _Network) -> None:
    image = np.zeros((400, 500, 3), np.uint8)
    y, x = np.mgrid[:400, :500]
    # 30 pixels from the middle of the region, where its fingers are.
    image[np.hypot(x - 184, y - 158) < 6] = (250, 130, 40)

    LandmarkNetwork().read(image, REGION)

    rows, columns = np.nonzero(network.crop[..., 0] > 125)
    assert (rows.mean(), columns.mean()) == pytest.approx((112 - 67.2, 112), abs=1)
    assert network.crop[45, 112].tolist() == [250, 130, 40]


def test_the_border_of_the_image_is_repeated_outside(network: _Network) -> None:
    image = np.full((400, 170, 3), 90, np.uint8)
    image[:, 168:] = 150

    LandmarkNetwork().read(image, REGION)

    assert network.crop[112, 90].tolist() == [90, 90, 90]
    assert network.crop[112, 135].tolist() == [150, 150, 150]


def test_outputs_of_the_network_are_those_of_tensorflow_lite() -> None:
    landmarks, presence, handedness = HandNetwork('hand_landmarks.onnx', 1).run(drawn_hand(224))

    assert landmarks[[0, 1, 3, 4, 7, 60, 61]] == pytest.approx(
        [110.169998, 178.027863, 100.040024, 156.483734, 132.876220, 122.441643, 114.373695],
        abs=1e-3,
    )
    assert presence == pytest.approx([0.017112], abs=1e-5)
    assert handedness == pytest.approx([0.300564], abs=1e-5)
