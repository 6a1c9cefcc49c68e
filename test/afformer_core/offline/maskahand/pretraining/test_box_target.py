# SPDX-License-Identifier: Apache-2.0
import pytest

from afformer_core.hands.hand import Hand
from afformer_core.offline.maskahand.pretraining.interactions import Interaction
from afformer_core.offline.maskahand.pretraining.synthesis import BoxTarget

SIZE = (200, 100)
BOX = (40.0, 20.0, 80.0, 60.0)


def _extents(target, *hands):
    """(left, top, right, bottom) as shares, of each (box, direction)."""
    in_contact = tuple(Hand(box, True, 1.0) for box, _ in hands)
    interaction = Interaction(
        0, in_contact, in_contact, tuple(direction for _, direction in hands)
    )
    corners = target.corners(interaction, SIZE)
    assert corners.shape == (len(hands), 4, 2)
    return [(*each[0], *each[2]) for each in corners.tolist()]


def test_the_whole_box_in_shares_of_the_frame():
    assert _extents(BoxTarget(), (BOX, (1.0, 0.0))) == [pytest.approx((0.2, 0.2, 0.4, 0.6))]


def test_corners_go_clockwise():
    hand = Hand(BOX, True, 1.0)
    corners = BoxTarget().corners(Interaction(0, (hand,), (hand,), (None,)), SIZE)
    assert corners[0].tolist() == [[0.2, 0.2], [0.4, 0.2], [0.4, 0.6], [0.2, 0.6]]


def test_every_hand_that_interacts_has_its_box():
    boxes = _extents(BoxTarget(), (BOX, None), ((100.0, 0.0, 120.0, 50.0), None))
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
    assert _extents(BoxTarget(), (box, None)) == [pytest.approx(extent)]


@pytest.mark.parametrize(
    ('direction', 'extent'),
    [
        ((1.0, 0.0), (0.3, 0.2, 0.4, 0.6)),
        ((-1.0, 0.0), (0.2, 0.2, 0.3, 0.6)),
        ((0.0, -1.0), (0.2, 0.2, 0.4, 0.4)),
        ((0.5**0.5, 0.5**0.5), (0.3, 0.4, 0.4, 0.6)),
        (None, (0.2, 0.2, 0.4, 0.6)),
    ],
    ids=['right', 'left', 'up', 'down and right', 'at rest'],
)
def test_the_front_lies_ahead(direction, extent):
    assert _extents(BoxTarget('front'), (BOX, direction)) == [pytest.approx(extent)]


def test_the_share_of_the_front():
    target = BoxTarget('front', 0.25)
    assert _extents(target, (BOX, (1.0, 0.0))) == [pytest.approx((0.35, 0.2, 0.4, 0.6))]


def test_the_front_is_of_what_is_in_the_frame():
    # A hand that reaches in from below has its wrist outside.
    box = (40.0, 60.0, 80.0, 400.0)
    (extent,) = _extents(BoxTarget('front'), (box, (0.0, -1.0)))
    assert extent == pytest.approx((0.2, 0.6, 0.4, 0.8))


def _around(contact_point, direction=None):
    hand = Hand(BOX, True, 1.0, contact_point)
    interaction = Interaction(0, (hand,), (hand,), (direction,))
    (corners,) = BoxTarget('contact_point', 0.5).corners(interaction, SIZE).tolist()
    return (*corners[0], *corners[2])


def test_a_square_around_the_contact_point():
    # Half of the box's longer side, 20 pixels.
    assert _around((90.0, 50.0)) == pytest.approx((0.4, 0.4, 0.5, 0.6))


def test_the_square_ends_with_the_frame():
    assert _around((195.0, 0.0)) == pytest.approx((0.925, 0, 1, 0.1))


@pytest.mark.parametrize('contact_point', [None, (90.0, -1.0), (201.0, 50.0)])
def test_without_a_contact_point_in_the_frame_it_is_the_front(contact_point):
    assert _around(contact_point, (1.0, 0.0)) == pytest.approx((0.3, 0.2, 0.4, 0.6))
    assert _around(contact_point) == pytest.approx((0.2, 0.2, 0.4, 0.6))


@pytest.mark.parametrize(
    ('fields', 'text'),
    [({'form': 'wrist'}, "form is 'wrist'"), ({'share': 0.0}, 'share is 0.0')],
)
def test_options_out_of_range(fields, text):
    with pytest.raises(ValueError, match=text):
        BoxTarget(**fields)
