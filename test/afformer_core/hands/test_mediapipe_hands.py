# SPDX-License-Identifier: Apache-2.0
"""Hands made of landmarks, and those of a real clip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from afformer_core.errors import HandModelError
from afformer_core.hands import mediapipe_hands
from afformer_core.hands.hand import Hand
from afformer_core.hands.landmarks import hand_networks
from afformer_core.hands.landmarks.landmark_network import LandmarkedHand
from afformer_core.hands.mediapipe_hands import MediaPipeHands
from afformer_core.media.video import VideoFrame, VideoReader

from ..offline.maskahand.landmarks import pointing_hand

_RATE = 10.0
_BLACK = np.zeros((720, 1280, 3), np.uint8)

Frames = Sequence[Sequence[np.ndarray]]


@pytest.fixture
def detector_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[Frames], MediaPipeHands]:
    """Makes a detector whose landmarker sees given hands, one list a frame, again each video."""

    def make(frames: Frames) -> MediaPipeHands:
        class Landmarker:
            def __init__(self, *_: float) -> None:
                self._seen = iter(frames)

            def detect(self, image: np.ndarray, time: float) -> list[LandmarkedHand]:
                return [LandmarkedHand(hand, 0.9) for hand in next(self._seen)]

        monkeypatch.setattr(mediapipe_hands, 'HandLandmarker', Landmarker)
        return MediaPipeHands()

    return make


def _video(count: int, rate: float = _RATE) -> Iterator[VideoFrame]:
    return (VideoFrame(number / rate, _BLACK) for number in range(count))


def test_a_resting_hand_is_in_contact_and_its_box_reaches_around_it(
    detector_of: Callable[[Frames], MediaPipeHands],
) -> None:
    detector = detector_of([[pointing_hand(600, 300)]] * 10)
    found = list(detector.detect(_video(10)))
    # The landmarks reach from (400, 300) to (600, 385), and a fifth of the palm is around them.
    assert found == [(Hand((380, 280, 620, 405), True, 1.0, (600, 300)),)] * 10


def test_contact_is_seen_at_the_least_rate(
    detector_of: Callable[[Frames], MediaPipeHands],
) -> None:
    detector = detector_of([[pointing_hand(600, 300)]] * 6)
    assert detector.least_rate == 2.0
    found = list(detector.detect(_video(6, detector.least_rate)))
    assert [hand.contact for (hand,) in found] == [True] * 6


def test_a_moving_hand_is_there_without_contact(
    detector_of: Callable[[Frames], MediaPipeHands],
) -> None:
    detector = detector_of([[pointing_hand(300 + 60 * k, 300)] for k in range(10)])
    found = list(detector.detect(_video(10)))
    assert [len(hands) for hands in found] == [1] * 10
    assert not any(hand.contact for (hand,) in found)
    assert min(hand.score for (hand,) in found) > 0.8


def test_a_face_that_passes_for_a_hand_in_two_frames(
    detector_of: Callable[[Frames], MediaPipeHands],
) -> None:
    hand, face = pointing_hand(600, 300), pointing_hand(1000, 600)
    seen = [[hand]] * 5 + [[hand, face]] * 2 + [[hand]] * 5
    found = list(detector_of(seen).detect(_video(12, 30.0)))
    assert [len(hands) for hands in found] == [1] * 12


def test_hands_that_are_seen_for_the_first_and_last_time_are_there(
    detector_of: Callable[[Frames], MediaPipeHands],
) -> None:
    seen: Frames = [[]] * 3 + [[pointing_hand(600, 300)]] * 6 + [[]] * 3
    found = list(detector_of(seen).detect(_video(12)))
    assert [len(hands) for hands in found] == [0] * 3 + [1] * 6 + [0] * 3


def test_the_surer_hand_comes_first(detector_of: Callable[[Frames], MediaPipeHands]) -> None:
    slow = [pointing_hand(300 + 3.5 * k, 300) for k in range(12)]
    still = pointing_hand(1000, 300)
    found = list(detector_of([[hand, still] for hand in slow]).detect(_video(12)))
    assert all(first.box[2] == 1020 and first.score > second.score for first, second in found)


def test_it_looks_half_a_second_ahead_and_no_farther(
    detector_of: Callable[[Frames], MediaPipeHands],
) -> None:
    read = []

    def video() -> Iterator[VideoFrame]:
        for frame in _video(40, 8.0):
            read.append(frame.time)
            yield frame

    lags = []
    for number, _ in enumerate(detector_of([[pointing_hand(600, 300)]] * 40).detect(video())):
        lags.append(read[-1] - number / 8.0)
    assert len(lags) == 40
    assert max(lags) == 0.5


def test_each_video_begins_anew(detector_of: Callable[[Frames], MediaPipeHands]) -> None:
    # Had the tracks of the first video gone on, the hand would have rested in the second one.
    detector = detector_of([[pointing_hand(600, 300)]] * 3)
    first = list(detector.detect(_video(3)))
    assert list(detector.detect(_video(3))) == first
    assert not any(hand.contact for (hand,) in first)


def test_the_name_tells_both_networks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(hand_networks, 'FOLDER', tmp_path)
    (tmp_path / 'palm_detection.onnx').write_bytes(b'palms')
    with pytest.raises(HandModelError, match=r'hand_landmarks\.onnx does not exist'):
        MediaPipeHands()
    names = set()
    for content in (b'landmarks', b'others'):
        (tmp_path / 'hand_landmarks.onnx').write_bytes(content)
        names.add(MediaPipeHands().name)
    assert names == {'mediapipe_hands a1777e81', 'mediapipe_hands 4f49227e'}


def test_hands_and_faces_of_a_real_clip(test_data: Path) -> None:
    path = test_data / 'opra' / 'clips' / 'seattle' / '1' / '193' / '217.5_6.5.mp4'
    detector = MediaPipeHands()
    with VideoReader(path) as reader:
        found = list(detector.detect(frame for k, frame in enumerate(reader) if k % 3 == 0))
    # In frames 0 to 116 a hand operates the machine, until 111 with its finger on a button; later
    # a face is seen, and hands at the border in a few frames.
    with_hand, without = found[:39], found[39:]
    assert sum(map(bool, with_hand)) >= 0.95 * len(with_hand)
    assert sum(map(bool, without)) <= 0.05 * len(without)
    in_contact = [
        any(hand.contact and hand.score >= detector.interaction_score for hand in hands)
        for hands in found
    ]
    assert sum(in_contact[:38]) >= 35
    assert not any(in_contact[38:])
