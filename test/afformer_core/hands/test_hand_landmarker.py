# SPDX-License-Identifier: Apache-2.0
"""Hands that are followed from frame to frame, through networks that see what a test says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from afformer_core.errors import HandModelError
from afformer_core.hands import hand_landmarker
from afformer_core.hands.hand_landmarker import HandLandmarker
from afformer_core.hands.landmarks import hand_networks
from afformer_core.hands.landmarks.hand_region import HandRegion
from afformer_core.hands.landmarks.landmark_network import LandmarkedHand
from afformer_core.hands.landmarks.palm_detection import Palm, View

from ..offline.maskahand.landmarks import pointing_hand

IMAGE = np.zeros((360, 640, 3), np.uint8)
Point = tuple[float, float]


class World:
    """Stands for both networks: what palms and what hands there are in the next frame.

    Attributes:
        hands: fingertips of its hands.
        palms: fingertips of those whose palms are found, if they are in the view.
        score: presence of the hands.
        refused: number of regions, from the next on, in which no hand is recognized.
        views, reads: views in which palms were looked for, and regions that were read.
    """

    def __init__(self) -> None:
        self.hands: Sequence[Point] = []
        self.palms: Sequence[Point] = []
        self.score = 0.9
        self.refused = 0
        self.views: list[View] = []
        self.reads: list[HandRegion] = []
        self.told: list[tuple[float, ...]] = []

    def show(self, *hands: Point) -> None:
        self.hands = self.palms = hands

    def open_palms(self, *told: float) -> World:
        self.told.append(told)
        return self

    def open_landmarks(self, *told: float) -> World:
        self.told.append(told)
        return self

    def detect(self, image: np.ndarray, view: View) -> list[Palm]:
        self.views.append(view)
        found = []
        for hand in self.palms:
            x, y = _palm(hand)
            if view[0] <= x <= view[2] and view[1] <= y <= view[3]:
                box = x - 45, y - 45, x + 45, y + 45
                found.append(Palm(box, (x - 50, y), (x + 50, y), 0.8))
        return found

    def read(self, image: np.ndarray, region: HandRegion) -> LandmarkedHand:
        self.reads.append(region)
        if self.refused > 0:
            self.refused -= 1
            return LandmarkedHand(pointing_hand(0, 0), 0.1)
        steps = {hand: _step(hand, region) for hand in self.hands}
        nearest = min(steps, key=steps.__getitem__, default=None)
        if nearest is not None and steps[nearest] < region.side / 2:
            return LandmarkedHand(pointing_hand(*nearest), self.score)
        return LandmarkedHand(pointing_hand(0, 0), 0.1)


def _step(hand: Point, region: HandRegion) -> float:
    return float(np.abs(np.subtract(_palm(hand), (region.x, region.y))).max())


def _palm(hand: Point) -> Point:
    x, y = pointing_hand(*hand)[[0, 9]].mean(0).tolist()
    return x, y


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr(hand_landmarker, 'PalmDetector', world.open_palms)
    monkeypatch.setattr(hand_landmarker, 'LandmarkNetwork', world.open_landmarks)
    return world


def _tips(hands: Sequence[LandmarkedHand]) -> list[list[float]]:
    return [hand.landmarks[8].tolist() for hand in hands]


def test_a_hand_is_followed_where_its_palm_is_no_longer_found(world: World) -> None:
    landmarker = HandLandmarker()
    world.show((340, 205))
    assert _tips(landmarker.detect(IMAGE, 0.0)) == [[340, 205]]
    world.palms = []
    for number in range(1, 6):
        world.hands = [(340 + 12 * number, 205 - 7 * number)]
        found = landmarker.detect(IMAGE, 0.1 * number)
        assert _tips(found) == [list(world.hands[0])]


def test_a_hand_that_leaves_is_lost_and_found_again(world: World) -> None:
    landmarker = HandLandmarker()
    world.show((340, 205))
    assert len(landmarker.detect(IMAGE, 0.0)) == 1
    world.show()
    assert landmarker.detect(IMAGE, 0.1) == []
    # Where it was is not looked at again.
    world.hands = [(340, 205)]
    assert landmarker.detect(IMAGE, 0.2) == []
    world.show((560, 305))
    assert _tips(landmarker.detect(IMAGE, 0.3)) == [[560, 305]]


def test_a_hand_that_is_lost_is_found_again_in_the_same_frame(world: World) -> None:
    landmarker = HandLandmarker()
    world.show((340, 205))
    landmarker.detect(IMAGE, 0.0)
    landmarker.detect(IMAGE, 0.1)
    # Its old region is refused, and its palm is found in the whole frame.
    world.refused = 1
    assert _tips(landmarker.detect(IMAGE, 0.2)) == [[340, 205]]


def test_two_hands_keep_their_order(world: World) -> None:
    landmarker = HandLandmarker()
    world.show((500, 100))
    landmarker.detect(IMAGE, 0.0)
    world.show((260, 300), (500, 100))
    for number in range(1, 4):
        found = landmarker.detect(IMAGE, 0.1 * number)
    assert _tips(found) == [[500, 100], [260, 300]]


def test_a_followed_hand_is_not_found_twice(world: World) -> None:
    landmarker = HandLandmarker()
    world.show((340, 205))
    for number in range(5):
        assert len(landmarker.detect(IMAGE, 0.1 * number)) == 1
    # Once when it was found, then once a frame: its palm is known to be its own.
    assert len(world.reads) == 5


def test_regions_that_lead_to_the_same_hand_are_one_hand(world: World) -> None:
    landmarker = HandLandmarker()
    world.hands = [(340, 205)]
    world.palms = [(340, 205), (400, 230)]
    assert len(landmarker.detect(IMAGE, 0.0)) == 1
    assert len(world.reads) == 2


def test_hands_side_by_side_are_two(world: World) -> None:
    world.show((340, 150), (340, 235))
    assert len(HandLandmarker().detect(IMAGE, 0.0)) == 2


@pytest.mark.parametrize(
    ('time', 'size', 'goes_on'),
    [
        (6.01, 640, False),
        (4.99, 640, False),
        (5.1, 480, False),
        (5.0, 640, True),
        (5.99, 640, True),
    ],
)
def test_when_it_begins_anew(world: World, time: float, size: int, goes_on: bool) -> None:
    landmarker = HandLandmarker()
    world.show((340, 205))
    landmarker.detect(IMAGE, 5.0)
    world.palms = []
    assert bool(landmarker.detect(np.zeros((360, size, 3), np.uint8), time)) == goes_on


def test_no_more_hands_than_asked_for(world: World) -> None:
    landmarker = HandLandmarker(most_hands=2)
    world.show((200, 100), (400, 200), (600, 300))
    found = [landmarker.detect(IMAGE, 0.1 * number) for number in range(3)]
    assert [_tips(hands) for hands in found] == [[[200, 100], [400, 200]]] * 3
    # With both followed, no palm is looked for.
    assert len(world.views) == 1


def test_what_is_less_certain_than_asked_is_no_hand(world: World) -> None:
    world.show((340, 205))
    world.score = 0.62
    assert HandLandmarker(presence_confidence=0.63).detect(IMAGE, 0.0) == []
    assert len(HandLandmarker(presence_confidence=0.62).detect(IMAGE, 0.0)) == 1


def test_what_the_networks_are_told(world: World) -> None:
    HandLandmarker(0.45, threads=3)
    assert world.told == [(0.45, 3), (3,)]


def test_a_network_that_is_damaged(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / 'palm_detection.onnx').write_bytes(b'no network')
    monkeypatch.setattr(hand_networks, 'FOLDER', tmp_path)
    with pytest.raises(HandModelError, match=r'palm_detection\.onnx cannot be loaded .* again'):
        HandLandmarker()
