# SPDX-License-Identifier: Apache-2.0
import pytest

from afformer_core.hands.hand import Hand
from afformer_core.offline.maskahand.pretraining.interactions import Interaction
from afformer_core.offline.maskahand.pretraining.synthesis import BoxTarget

SIZE = (200, 100)
BOX = (40.0, 20.0, 80.0, 60.0)


def _extents(target, *boxes):
    """(left, top, right, bottom) as shares, of each box."""
    in_contact = tuple(Hand(box, True, 1.0) for box in boxes)
    corners = target.corners(Interaction(0, in_contact, in_contact), SIZE)
    assert corners.shape == (len(boxes), 4, 2)
    return [(*each[0], *each[2]) for each in corners.tolist()]


def test_corners_of_a_box_in_shares_of_the_frame_go_clockwise():
    hand = Hand(BOX, True, 1.0)
    corners = BoxTarget().corners(Interaction(0, (hand,), (hand,)), SIZE)
    assert corners[0].tolist() == [[0.2, 0.2], [0.4, 0.2], [0.4, 0.6], [0.2, 0.6]]


@pytest.mark.parametrize(
    ('boxes', 'extents'),
    [
        ([BOX, (100.0, 0.0, 120.0, 50.0)], [(0.2, 0.2, 0.4, 0.6), (0.5, 0, 0.6, 0.5)]),
        ([(-40.0, 20.0, 40.0, 300.0)], [(0, 0.2, 0.2, 1)]),
        ([(-10.0, -10.0, 500.0, 500.0)], [(0, 0, 1, 1)]),
    ],
    ids=['every hand that interacts', 'partly outside', 'larger than the frame'],
)
def test_the_boxes_within_the_frame(boxes, extents):
    assert _extents(BoxTarget(), *boxes) == [pytest.approx(extent) for extent in extents]


def _around(contact_point):
    hand = Hand(BOX, True, 1.0, contact_point)
    interaction = Interaction(0, (hand,), (hand,))
    (corners,) = BoxTarget('contact_point', 0.5).corners(interaction, SIZE).tolist()
    return (*corners[0], *corners[2])


@pytest.mark.parametrize(
    ('contact_point', 'extent'),
    [
        # Half of the box's longer side, 20 pixels.
        ((90.0, 50.0), (0.4, 0.4, 0.5, 0.6)),
        # The square ends with the frame.
        ((195.0, 0.0), (0.925, 0, 1, 0.1)),
        # Without a contact point in the frame it is the box.
        (None, (0.2, 0.2, 0.4, 0.6)),
        ((90.0, -1.0), (0.2, 0.2, 0.4, 0.6)),
        ((201.0, 50.0), (0.2, 0.2, 0.4, 0.6)),
    ],
)
def test_a_square_around_the_contact_point(contact_point, extent):
    assert _around(contact_point) == pytest.approx(extent)
