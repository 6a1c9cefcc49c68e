# SPDX-License-Identifier: Apache-2.0
"""The contact of a hand that drags a square."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from afformer_core.demonstrations.contact_reading.contact_observer import DetectedHand
from afformer_core.demonstrations.contact_reading.contact_reader import (
    ContactReader,
    read_contact,
    read_observed,
)
from afformer_core.demonstrations.contact_reading.small_video import SmallVideo
from afformer_core.errors import DemonstrationError

from .dragged_square import (
    FLAT_PRIOR,
    GRIP,
    HEIGHT,
    RATE,
    TAKEN,
    WIDTH,
    dragged,
    dragged_frame,
    hand_at,
)

DRIFT = (1.3, -0.7)
REST = np.array([60.0, 130.0])


def read(prior=FLAT_PRIOR, **clip):
    images, times, hands = dragged(**clip)
    return read_contact(SmallVideo(images, times), hands, prior)


def distance(candidate) -> float:
    """Pixels from where the hand takes the square."""
    return float(np.hypot(candidate.x * WIDTH - GRIP[0], candidate.y * HEIGHT - GRIP[1]))


@pytest.mark.parametrize('clip', [{}, {'drift': DRIFT}, {'rest': REST}])
def test_the_contact_is_where_and_when_the_hand_takes_the_square(clip):
    reading = read(**clip)
    best = reading.candidates[0]
    # 5 % of the diagonal are 14.9 pixels
    assert distance(best) < 6.0
    assert best.track == 0
    assert best.time == pytest.approx(TAKEN / RATE, abs=0.2)
    assert best.probability > 0.6


def test_the_prior_decides_between_what_hands_and_changes_leave_open():
    images, times, _ = dragged()
    video = SmallVideo(np.repeat(images[:1], 5, axis=0), times[:5])
    prior = FLAT_PRIOR.copy()
    prior[7, 4] = 2.0
    reading = read_contact(video, [[]] * 5, prior)
    best = reading.candidates[0]
    np.testing.assert_allclose([best.x, best.y], [4.5 / 15, 7.5 / 11], atol=0.01)
    assert (best.track, best.time) == (None, None)


def test_the_position_where_the_square_is_put_is_no_contact():
    images = np.stack([dragged_frame(frame, []) for frame in range(34)])
    prior = FLAT_PRIOR.copy()
    # around the square in the last frame
    prior[5:8, 5:8] += 1.0
    reading = read_contact(SmallVideo(images, np.arange(34) / RATE), [[]] * 34, prior)
    likeliest = reading.log_probabilities.argmax()
    assert np.hypot(likeliest % WIDTH - GRIP[0], likeliest // WIDTH - GRIP[1]) > 30
    # on the square
    assert distance(reading.candidates[0]) < 25.0


def test_a_finger_whose_hand_is_hardly_ever_detected_is_read():
    images = np.stack([dragged_frame(0, [])] * 40)
    for frame in range(5, 35):
        images[frame, 176 - min(8 * (frame - 4), 60) :, 60:76] = 250
    hands = [
        [DetectedHand(hand_at(0, np.array([200.0 + frame, 40.0])), 0.8)] for frame in range(3)
    ]
    video = SmallVideo(images, np.arange(40) / RATE)
    best = read_contact(video, [*hands, *[[]] * 37], FLAT_PRIOR).candidates[0]
    np.testing.assert_allclose([best.x * WIDTH, best.y * HEIGHT], [68, 116], atol=9.0)


def test_small_errors_of_the_motions_of_a_camera_that_stands_still_do_not_add_up():
    images, times, hands = dragged()
    reader = ContactReader()
    for image, time, found in zip(images, times, hands, strict=True):
        reader.observe(image, time, found)
    drifting = [np.eye(3) for _ in reader.frames]
    for number, motion in enumerate(drifting):
        # 2.5 % of the diagonal in the end
        motion[:2, 2] = 0.2 * number, -0.1 * number
    drifted, still = (
        read_observed(
            [replace(one, to_first=to) for one, to in zip(reader.frames, motions, strict=True)],
            FLAT_PRIOR,
        )
        for motions in (drifting, [np.eye(3)] * len(drifting))
    )
    np.testing.assert_array_equal(drifted.log_probabilities, still.log_probabilities)
    assert drifted.candidates == still.candidates


def test_a_hand_that_leaves_in_the_beginning_is_no_change():
    # it is detected for a moment, not yet in the first frame
    hand = DetectedHand(hand_at(0, REST), 0.8)
    images = np.stack([dragged_frame(0, [hand.landmarks] if k < 3 else []) for k in range(9)])
    images[-1, 20:45, 150:180] //= 2
    video = SmallVideo(images, np.arange(9) / RATE)
    best = read_contact(video, [[], [], [hand], *[[]] * 6], FLAT_PRIOR).candidates[0]
    np.testing.assert_allclose([best.x * WIDTH, best.y * HEIGHT], [165, 32], atol=12.0)


def test_the_map_is_a_distribution_over_the_first_frame():
    logs = read().log_probabilities
    assert (logs.dtype, logs.shape) == (np.float32, (HEIGHT, WIDTH))
    assert np.exp(logs).sum() == pytest.approx(1.0, abs=1e-4)


def test_a_reading_may_be_taken_at_any_time_and_is_the_same_each_time():
    images, times, hands = dragged(drift=DRIFT)
    reader = ContactReader()
    for image, time, found in zip(images, times, hands, strict=True):
        reader.observe(image, time, found)
        if time == times[20]:
            reader.read(FLAT_PRIOR)
    found = reader.read(FLAT_PRIOR)
    np.testing.assert_array_equal(found.log_probabilities, read(drift=DRIFT).log_probabilities)


def test_a_long_demonstration_is_read_in_every_second_frame():
    images, times, hands = dragged()
    reader = ContactReader(most_frames=20)
    for image, time, found in zip(images, times, hands, strict=True):
        reader.observe(image, time, found)
    assert distance(reader.read(FLAT_PRIOR).candidates[0]) < 6.0
    assert [round(RATE * frame.time) for frame in reader.frames] == [*range(0, 33, 2), 33]


@pytest.mark.parametrize(('rate', 'needed'), [(30, 6), (20, 12), (60, 4), (15, 12)])
def test_of_more_than_20_frames_a_second_not_all_are_needed(rate, needed):
    reader, image, count = ContactReader(), np.zeros((20, 30, 3), np.uint8), 0
    for frame in range(12):
        if reader.needs(3.0 + frame / rate):
            reader.observe(image, 3.0 + frame / rate, [])
            count += 1
    assert count == needed


def test_a_single_frame_can_be_read():
    images, times, hands = dragged()
    reading = read_contact(SmallVideo(images[:1], times[:1]), hands[:1], FLAT_PRIOR)
    assert reading.candidates[0].track == 0


@pytest.mark.parametrize(
    'prior', [np.zeros((1, 4, 5), np.float32), np.full((4, 5), np.nan), np.zeros((0, 5))]
)
def test_what_is_no_prior_is_refused(prior):
    with pytest.raises(DemonstrationError, match='expected finite log-probabilities'):
        read(prior)


def test_of_less_than_two_frames_nothing_can_be_read():
    images, times, hands = dragged()
    reader = ContactReader()
    assert reader.read(FLAT_PRIOR) is None
    for number in range(4):
        reader.observe(images[number], times[number], hands[number])
    assert reader.read(FLAT_PRIOR, times[3], times[3]) is None
    assert reader.read(FLAT_PRIOR, times[2], times[3]) is not None


def test_hands_of_another_number_of_frames_are_refused():
    images, times, hands = dragged()
    with pytest.raises(
        DemonstrationError, match='hands are given for 33 frames; expected hands for 34'
    ):
        read_contact(SmallVideo(images, times), hands[1:], FLAT_PRIOR)
