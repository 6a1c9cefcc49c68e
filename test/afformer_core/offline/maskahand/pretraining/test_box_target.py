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


def test_the_whole_box_in_shares_of_the_frame():
    assert _extents(BoxTarget(), BOX) == [pytest.approx((0.2, 0.2, 0.4, 0.6))]


def test_corners_go_clockwise():
    hand = Hand(BOX, True, 1.0)
    corners = BoxTarget().corners(Interaction(0, (hand,), (hand,)), SIZE)
    assert corners[0].tolist() == [[0.2, 0.2], [0.4, 0.2], [0.4, 0.6], [0.2, 0.6]]


def test_every_hand_that_interacts_has_its_box():
    boxes = _extents(BoxTarget(), BOX, (100.0, 0.0, 120.0, 50.0))
    assert boxes == [pytest.approx((0.2, 0.2, 0.4, 0.6)), pytest.approx((0.5, 0, 0.6, 0.5))]


@pytest.mark.parametrize(
    ('box', 'extent'),
    [
        ((-40.0, 20.0, 40.0, 300.0), (0, 0.2, 0.2, 1)),
        ((-10.0, -10.0, 500.0, 500.0), (0, 0, 1, 1)),
    ],
    ids=['partly outside', 'larger than the frame'],
)
def test_what_is_outside_the_frame_is_not_looked_for(box, extent):
    assert _extents(BoxTarget(), box) == [pytest.approx(extent)]


def _around(contact_point):
    hand = Hand(BOX, True, 1.0, contact_point)
    interaction = Interaction(0, (hand,), (hand,))
    (corners,) = BoxTarget('contact_point', 0.5).corners(interaction, SIZE).tolist()
    return (*corners[0], *corners[2])


def test_a_square_around_the_contact_point():
    # Half of the box's longer side, 20 pixels.
    assert _around((90.0, 50.0)) == pytest.approx((0.4, 0.4, 0.5, 0.6))


def test_the_square_ends_with_the_frame():
    assert _around((195.0, 0.0)) == pytest.approx((0.925, 0, 1, 0.1))


@pytest.mark.parametrize('contact_point', [None, (90.0, -1.0), (201.0, 50.0)])
def test_without_a_contact_point_in_the_frame_it_is_the_box(contact_point):
    assert _around(contact_point) == pytest.approx((0.2, 0.2, 0.4, 0.6))


@pytest.mark.parametrize(
    ('fields', 'text'),
    [({'form': 'wrist'}, "form is 'wrist'"), ({'share': 0.0}, 'share is 0.0')],
)
def test_options_out_of_range(fields, text):
    with pytest.raises(ValueError, match=text):
        BoxTarget(**fields)
