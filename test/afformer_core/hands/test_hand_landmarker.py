# SPDX-License-Identifier: Apache-2.0
"""Calls of MediaPipe and the reading of its answers, with a double in its place."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from afformer_core.demonstrations.hands import HandActivity
from afformer_core.errors import DemonstrationError, HandModelError
from afformer_core.hands.hand_landmarker import HandLandmarker


class Double:
    """Stands for MediaPipe: keeps what it is told and answers with so many hands."""

    def __init__(self) -> None:
        self.options: dict[str, Any] = {}
        self.images: list[Any] = []
        self.stamps: list[int] = []
        self.closed = 0
        self.refusal: Exception | None = None
        self.hands: list[list[tuple[float, float]]] = []

    def create(self, options: dict[str, Any]) -> Double:
        if self.refusal is not None:
            raise self.refusal
        self.options = options
        return self

    def detect_for_video(self, image: Any, stamp: int) -> SimpleNamespace:
        self.images.append(image)
        self.stamps.append(stamp)
        hands = [[SimpleNamespace(x=x, y=y) for x, y in hand] for hand in self.hands]
        return SimpleNamespace(hand_landmarks=hands)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def mediapipe(monkeypatch: pytest.MonkeyPatch) -> Double:
    double = Double()
    parts: dict[str, dict[str, Any]] = {
        'mediapipe': {'Image': dict, 'ImageFormat': SimpleNamespace(SRGB='srgb')},
        'mediapipe.tasks': {},
        'mediapipe.tasks.python': {},
        'mediapipe.tasks.python.vision': {
            'HandLandmarkerOptions': dict,
            'RunningMode': SimpleNamespace(VIDEO='video'),
            'HandLandmarker': SimpleNamespace(create_from_options=double.create),
        },
        'mediapipe.tasks.python.core': {},
        'mediapipe.tasks.python.core.base_options': {'BaseOptions': dict},
    }
    for name, attributes in parts.items():
        module = ModuleType(name)
        vars(module).update(attributes)
        monkeypatch.setitem(sys.modules, name, module)
    return double


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / 'hand_landmarker.task'
    path.write_bytes(b'model')
    return path


IMAGE = np.zeros((120, 160, 3), np.uint8)


def test_what_it_is_told(mediapipe: Double, model: Path) -> None:
    HandLandmarker(model, 0.25, 0.75)

    assert mediapipe.options == {
        'base_options': {'model_asset_path': str(model)},
        'running_mode': 'video',
        'num_hands': 2,
        'min_hand_detection_confidence': 0.25,
        'min_hand_presence_confidence': 0.75,
    }
    HandLandmarker(model)
    assert mediapipe.options['min_hand_detection_confidence'] == 0.5
    assert mediapipe.options['min_hand_presence_confidence'] == 0.5


def test_landmarks_are_in_pixels(mediapipe: Double, model: Path) -> None:
    mediapipe.hands = [[(0.5, 0.25), (1.25, -0.5)], [(0.0, 1.0)]]
    first, second = HandLandmarker(model).detect(IMAGE, 0.0)

    assert first.tolist() == [[80, 30], [200, -60]]
    assert second.tolist() == [[0, 120]]
    assert first.dtype == np.float64


def test_the_image_is_contiguous(mediapipe: Double, model: Path) -> None:
    HandLandmarker(model).detect(IMAGE[:, ::2], 0.0)

    (image,) = mediapipe.images
    assert image['image_format'] == 'srgb'
    assert image['data'].flags['C_CONTIGUOUS']
    assert image['data'].shape == (120, 80, 3)


def test_each_frame_is_later_than_the_one_before(mediapipe: Double, model: Path) -> None:
    landmarker = HandLandmarker(model)
    for time in (0.0, 0.0, 0.0334, 0.0334, 0.01, 2.0):
        landmarker.detect(IMAGE, time)

    assert mediapipe.stamps == [0, 1, 33, 34, 35, 2000]


def test_it_is_closed_at_the_end(mediapipe: Double, model: Path) -> None:
    with HandLandmarker(model) as landmarker:
        landmarker.detect(IMAGE, 0.0)
        assert mediapipe.closed == 0
    assert mediapipe.closed == 1


@pytest.mark.parametrize('error', [RuntimeError('bad'), ValueError('bad')])
def test_a_file_that_it_refuses(mediapipe: Double, model: Path, error: Exception) -> None:
    mediapipe.refusal = error

    with pytest.raises(HandModelError, match='not a hand model that MediaPipe can use: bad'):
        HandLandmarker(model)
    with pytest.raises(DemonstrationError, match='recordings are trimmed by motion'):
        HandActivity(model)


def test_a_model_that_is_not_there(mediapipe: Double, tmp_path: Path) -> None:
    with pytest.raises(HandModelError, match=r'absent\.task does not exist'):
        HandLandmarker(tmp_path / 'absent.task')


def test_hands_that_last_are_activity(mediapipe: Double, model: Path) -> None:
    detector = HandActivity(model)
    seen = []
    for number, hands in enumerate([0, 1, 2, 2, 0, 1]):
        mediapipe.hands = [[(0.5, 0.5)]] * hands
        activity = detector.observe(IMAGE, 0.1 * number)
        seen.append((activity.active, activity.hands, activity.camera_moves))
    detector.close()

    assert [hands for _, hands, _ in seen] == [0, 1, 2, 2, 0, 1]
    assert [active for active, _, _ in seen] == [False, False, True, True, False, False]
    assert not any(moves for *_, moves in seen)
    assert mediapipe.closed == 1
