# SPDX-License-Identifier: Apache-2.0
"""Points and regions of a drawn hand whose fingers point to the left."""

from __future__ import annotations

import numpy as np

from afformer_core.demonstrations.contact_reading.hand_paths import (
    distinct_hands,
    finger_gap,
    fingertip,
    hand_mask,
    palm,
)

from .dragged_square import OPEN_HAND

HAND = np.array([60.0, 50.0]) + 20.0 * OPEN_HAND


def test_the_fingertip_is_among_the_tips_of_three_fingers():
    # thumb (62, 60), index (59.6, 45.6), middle (60.4, 49)
    np.testing.assert_allclose(fingertip(HAND), [60.6, 51.32])


def test_the_palm_is_the_mean_of_wrist_and_knuckles_without_the_thumb():
    # x 95, 76, 75, 75, 76; y 52, 46, 50, 53, 56
    np.testing.assert_allclose(palm(HAND), [79.4, 51.4])


def test_the_gap_of_thumb_and_index_finger():
    np.testing.assert_allclose(finger_gap(HAND), np.hypot(2.4, 14.4))


def test_the_mask_covers_fingers_and_the_forearm_on_the_other_side():
    mask = hand_mask([HAND], (100, 200))
    # a finger, the palm, 50 pixels along the arm, beyond its 60, above it, beyond the fingers
    points = [(62, 48), (80, 52), (145, 57), (175, 60), (145, 80), (50, 50)]
    assert [bool(mask[y, x]) for x, y in points] == [True, True, True, False, False, False]


def test_the_mask_holds_every_hand():
    mask = hand_mask([HAND, HAND + (0, 60)], (130, 200))
    assert mask[52, 80]
    assert mask[112, 80]


def test_of_detections_of_one_hand_the_surest_is_chosen():
    # palms of one hand are at most 0.6 hand sizes apart, which are 12 pixels of these
    hands = [HAND, HAND + (11.0, 3.0), HAND + (11.0, 6.0)]
    assert distinct_hands(hands, [0.6, 0.9, 0.7]) == [1]
    assert distinct_hands(hands, [0.9, 0.6, 0.7]) == [0, 2]
