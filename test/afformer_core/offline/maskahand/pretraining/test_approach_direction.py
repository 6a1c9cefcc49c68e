# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest

from afformer_core.hands.hand import Hand
from afformer_core.offline.maskahand.pretraining.interactions import Approaches

SIDE = 20.0


def _hand(x, y, contact=False):
    return Hand((x - SIDE / 2, y - SIDE / 2, x + SIDE / 2, y + SIDE / 2), contact, 0.9)


def _track(*positions, first=0, contacts=()):
    """Hands by frame, at each position one; None where none was seen."""
    return {
        number: (_hand(*position, contact=number in contacts),)
        for number, position in enumerate(positions, first)
        if position is not None
    }


def test_a_hand_came_from_where_it_was():
    hands = _track((0, 50), (10, 50), (20, 50), (30, 50), contacts=(3,))
    assert Approaches(hands).of(3, hands[3][0]) == pytest.approx((1, 0))


def test_moving_what_is_held_is_no_approach():
    # It came from the left, and pulled what it took hold of in frame 2 downwards.
    hands = _track((0, 50), (10, 50), (20, 50), (20, 65), (20, 80), contacts=(2, 3, 4))
    assert Approaches(hands).of(4, hands[4][0]) == pytest.approx((1, 0))


def test_a_hand_that_was_there_at_first_went_back():
    hands = _track((30, 50), (30, 50), (30, 60), (30, 70), contacts=(0, 1))
    assert Approaches(hands).of(1, hands[1][0]) == pytest.approx((0, -1))


def test_the_last_part_of_the_way_counts():
    # Far to the right, then down.
    positions = [(0, 0), (15, 0), (30, 0), (45, 0), (45, 15), (45, 30), (45, 45)]
    hands = _track(*positions, contacts=(6,))
    x, y = Approaches(hands).of(6, hands[6][0])
    assert y > 0.9 > x >= 0


def test_what_led_to_another_contact_does_not_count():
    positions = [(0, 50), (20, 50), (20, 40), (20, 30)]
    hands = _track(*positions, contacts=(1, 3))
    assert Approaches(hands).of(3, hands[3][0]) == pytest.approx((0, -1))


def test_a_hand_that_a_detector_loses_is_found_again():
    hands = _track((0, 50), (10, 50), None, None, (40, 50), contacts=(4,))
    assert Approaches(hands).of(4, hands[4][0]) == pytest.approx((1, 0))


def test_a_hand_that_was_away_for_long_is_another():
    hands = _track((0, 50), None, None, None, (4, 50), contacts=(4,))
    assert Approaches(hands).of(4, hands[4][0]) is None


def test_what_is_hardly_a_hand_is_not_followed():
    # In frame 2 a detector also sees, with little trust, the hand in another state.
    hands = _track((0, 50), (10, 50), (20, 50), (20, 65), contacts=(2, 3))
    doubtful = replace(_hand(20, 60), score=0.2)
    hands[2] = (*hands[2], doubtful)
    assert Approaches(hands).of(3, hands[3][0]) == pytest.approx((1, 0))


def test_another_hand_is_not_followed():
    hands = _track((50, 50), (50, 50), contacts=(0, 1))
    hands[0] = (_hand(150, 50), *hands[0])
    hands[2] = (_hand(150, 90),)
    assert Approaches(hands).of(1, hands[1][0]) is None


@pytest.mark.parametrize(
    'positions', [[(50, 50)], [(50, 50), (51, 50)]], ids=['a single frame', 'at rest']
)
def test_without_motion_there_is_no_direction(positions):
    hands = _track(*positions, contacts=(len(positions) - 1,))
    assert Approaches(hands).of(len(positions) - 1, hands[len(positions) - 1][0]) is None


class _Counted(dict):
    """Counts how many frames are looked into."""

    reads = 0

    def get(self, *arguments):
        self.reads += 1
        return super().get(*arguments)


def test_no_more_of_the_way_is_looked_at_than_counts():
    positions = [(10 * number, 50) for number in range(1000)]
    hands = _Counted(_track(*positions, contacts=(999,)))
    assert Approaches(hands).of(999, hands[999][0]) == pytest.approx((1, 0))
    assert hands.reads < 10


def test_a_long_contact_is_followed_once():
    positions = [(0, 50), (10, 50), *[(20, 50)] * 1000]
    hands = _Counted(_track(*positions, contacts=range(2, 1002)))
    approaches = Approaches(hands)
    for number in range(2, 1002):
        assert approaches.of(number, hands[number][0]) == pytest.approx((1, 0))
    assert hands.reads < 3000
