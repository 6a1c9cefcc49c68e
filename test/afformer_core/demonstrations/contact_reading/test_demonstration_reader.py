# SPDX-License-Identifier: Apache-2.0
"""The contact of a hand that drags a square, the frames that are observed, and their motion."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afformer_core.demonstrations.contact_reading.demonstration_reader import (
    ContactObserver,
    DetectedHand,
    FrameMotion,
    measure_comotion,
    read_observed,
    small_image,
)
from afformer_core.demonstrations.contact_reading.hand_paths import fingertip, hand_mask
from afformer_core.demonstrations.optical_flow import moved

from .dragged_square import (
    FLAT_PRIOR,
    GRIP,
    HEIGHT,
    OPEN_HAND,
    RATE,
    TAKEN,
    WALL,
    WIDTH,
    dragged,
    dragged_frame,
    hand_at,
)

DRIFT = (1.3, -0.7)
REST = np.array([60.0, 130.0])


def observing(images, times, hands, **settings) -> ContactObserver:
    observer = ContactObserver(**settings)
    for image, time, found in zip(images, times, hands, strict=True):
        observer.observe(image, time, found)
    return observer


def read_contact(images, times, hands, prior):
    return read_observed(observing(images, times, hands).frames, prior)


def read(prior=FLAT_PRIOR, **clip):
    return read_contact(*dragged(**clip), prior)


def distance(candidate) -> float:
    """Pixels from where the hand takes the square."""
    return float(np.hypot(candidate.x * WIDTH - GRIP[0], candidate.y * HEIGHT - GRIP[1]))


@pytest.mark.parametrize('clip', [{}, {'drift': DRIFT}, {'rest': REST}])
def test_the_contact_is_where_and_when_the_hand_takes_the_square(clip):
    reading = read(**clip)
    best = reading.candidates[0]
    # 5 % of the diagonal are 14.9 pixels
    assert distance(best) < 6.0
    assert reading.time == pytest.approx(TAKEN / RATE, abs=0.2)
    assert best.probability > 0.6


def test_the_prior_decides_between_what_hands_and_changes_leave_open():
    images, times, _ = dragged()
    prior = FLAT_PRIOR.copy()
    prior[7, 4] = 2.0
    reading = read_contact(np.repeat(images[:1], 5, axis=0), times[:5], [[]] * 5, prior)
    best = reading.candidates[0]
    np.testing.assert_allclose([best.x, best.y], [4.5 / 15, 7.5 / 11], atol=0.01)
    assert reading.time is None


def test_the_position_where_the_square_is_put_is_no_contact():
    images = np.stack([dragged_frame(frame, []) for frame in range(34)])
    prior = FLAT_PRIOR.copy()
    # around the square in the last frame
    prior[5:8, 5:8] += 1.0
    reading = read_contact(images, np.arange(34) / RATE, [[]] * 34, prior)
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
    hands += [[]] * 37
    best = read_contact(images, np.arange(40) / RATE, hands, FLAT_PRIOR).candidates[0]
    np.testing.assert_allclose([best.x * WIDTH, best.y * HEIGHT], [68, 116], atol=9.0)


def test_small_errors_of_the_motions_of_a_camera_that_stands_still_do_not_add_up():
    frames = observing(*dragged()).frames
    # 2.5 % of the diagonal in the end
    drifting = [np.eye(3) + np.outer([0.2, -0.1, 0], [0, 0, k]) for k in range(len(frames))]
    drifted, still = (
        read_observed(
            [replace(one, to_first=to) for one, to in zip(frames, motions, strict=True)],
            FLAT_PRIOR,
        )
        for motions in (drifting, [np.eye(3)] * len(frames))
    )
    np.testing.assert_array_equal(drifted.log_probabilities, still.log_probabilities)
    assert drifted.candidates == still.candidates


def test_a_hand_that_leaves_in_the_beginning_is_no_change():
    # it is detected for a moment, not yet in the first frame
    hand = DetectedHand(hand_at(0, REST), 0.8)
    images = np.stack([dragged_frame(0, [hand.landmarks] if k < 3 else []) for k in range(9)])
    images[-1, 20:45, 150:180] //= 2
    hands = [[], [], [hand], *[[]] * 6]
    best = read_contact(images, np.arange(9) / RATE, hands, FLAT_PRIOR).candidates[0]
    np.testing.assert_allclose([best.x * WIDTH, best.y * HEIGHT], [165, 32], atol=12.0)


def test_a_reading_may_be_taken_at_any_time_and_is_the_same_each_time():
    images, times, hands = dragged(drift=DRIFT)
    reader = ContactObserver()
    for image, time, found in zip(images, times, hands, strict=True):
        reader.observe(image, time, found)
        if time == times[20]:
            reader.read(FLAT_PRIOR)
    found = reader.read(FLAT_PRIOR)
    np.testing.assert_array_equal(found.log_probabilities, read(drift=DRIFT).log_probabilities)


def test_a_long_demonstration_is_read_in_every_second_frame():
    reader = observing(*dragged(), most_frames=20)
    assert distance(reader.read(FLAT_PRIOR).candidates[0]) < 6.0


@pytest.mark.parametrize(('rate', 'needed'), [(30, 6), (20, 12), (60, 4), (15, 12)])
def test_of_more_than_20_frames_a_second_not_all_are_needed(rate, needed):
    reader, image, count = ContactObserver(), np.zeros((20, 30, 3), np.uint8), 0
    for frame in range(12):
        if reader.needs(3.0 + frame / rate):
            reader.observe(image, 3.0 + frame / rate, [])
            count += 1
    assert count == needed


def test_of_less_than_two_frames_nothing_can_be_read():
    images, times, hands = dragged()
    reader = ContactObserver()
    assert reader.read(FLAT_PRIOR) is None
    for number in range(4):
        reader.observe(images[number], times[number], hands[number])
    assert reader.read(FLAT_PRIOR, times[3], times[3]) is None
    assert reader.read(FLAT_PRIOR, times[2], times[3]) is not None


@settings(max_examples=30)
@given(st.integers(2, 8), st.integers(1, 40))
def test_of_many_frames_those_of_a_stride_and_the_newest_are_kept(most: int, count: int):
    image = np.zeros((16, 24, 3), np.uint8)
    frames = observing([image] * count, np.arange(count) / RATE, [[]] * count, most_frames=most)
    # The least power of two that leaves less than the most, beside the newest.
    strides = (range(0, count - 1, 2**power) for power in range(9))
    kept = next(numbers for numbers in strides if len(numbers) < most)
    assert [round(RATE * frame.time) for frame in frames.frames] == [*kept, count - 1]


@st.composite
def camera_motions(draw):
    """Motions [3, 3] of the first image to each of 13, of which half turn and zoom, half shift."""
    turned, shifted, direction = np.eye(3), np.eye(3), draw(st.floats(-np.pi, np.pi))
    middle, turn = (WIDTH / 2, HEIGHT / 2), draw(st.sampled_from([-2.6, 2.6]))
    turned[:2] = cv2.getRotationMatrix2D(middle, turn, draw(st.floats(0.98, 1.02)))
    shifted[:2, 2] = 6 * np.cos(direction), 6 * np.sin(direction)
    steps = [[turned] * 6 + [shifted] * 6, [shifted] * 6 + [turned] * 6]
    return list(accumulate(draw(st.sampled_from(steps)), lambda a, b: b @ a, initial=np.eye(3)))


def seen_with(motion, image):
    return cv2.warpAffine(image, motion[:2], (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)


@settings(max_examples=8)
@given(camera_motions())
def test_a_camera_that_turns_zooms_and_shifts_is_followed_through_frames_that_are_not_kept(
    motions,
):
    images = [seen_with(motion, WALL) for motion in motions]
    last = observing(images, np.arange(13) / RATE, [[]] * 13, most_frames=6).frames[-1]
    middle = np.array([WIDTH / 2, HEIGHT / 2])
    np.testing.assert_allclose(moved(last.to_first, moved(motions[-1], middle)), middle, atol=2.5)


@settings(max_examples=3)
@given(camera_motions())
def test_a_part_is_read_as_if_the_recording_began_with_it(motions):
    images, times, hands = (part[11:24] for part in dragged())
    images = [seen_with(*pair) for pair in zip(motions, images, strict=True)]
    hands = [
        [replace(hand, landmarks=moved(motion, hand.landmarks)) for hand in found]
        for motion, found in zip(motions, hands, strict=True)
    ]
    part = observing(images, times, hands).read(FLAT_PRIOR, begin=times[4])
    alone = read_contact(images[4:], times[4:], hands[4:], FLAT_PRIOR)
    np.testing.assert_allclose(part.log_probabilities, alone.log_probabilities, atol=1e-3)
    assert part.time == alone.time


def test_what_moves_by_a_hand_is_measured_from_a_frame_to_the_next():
    frames = observing(*(part[:24] for part in dragged(drift=DRIFT))).frames
    shares = [frame.hands[0].comotion for frame in frames]
    assert min(shares[18:23]) > 0.7
    assert max(shares[4:8]) < 0.2
    # what happens after the last frame is unknown
    assert np.isnan(shares[23])


def test_hands_keep_the_numbers_of_their_tracks():
    images, times, hands = (part[:4] for part in dragged(rest=REST))
    given = [found if frame % 2 else found[::-1] for frame, found in enumerate(hands)]
    observer = observing(images, times, given)
    xs = [{hand.track: hand.landmarks[8, 0] for hand in one.hands} for one in observer.frames]
    # the surer one, which moves by 5 pixels a frame, is the first; the other rests
    np.testing.assert_allclose([one[0] for one in xs], np.array([202.56, 197.56, 192.56, 187.56]))
    np.testing.assert_allclose([one[1] for one in xs], [59.56] * 4)


def test_a_hand_that_is_detected_twice_counts_once():
    observer = ContactObserver()
    one, other = DetectedHand(hand_at(3), 0.5), DetectedHand(hand_at(3) + 2, 0.8)
    observer.observe(dragged_frame(3, [hand_at(3)]), 0.2, [one, other])
    (hand,) = observer.frames[0].hands
    np.testing.assert_array_equal(hand.landmarks, hand_at(3) + 2)


def test_an_image_is_shrunk_to_320_pixels_on_the_longer_side():
    image = np.zeros((480, 640, 3), np.uint8)
    image[100:300, 200:300] = (10, 90, 200)
    found = small_image(image)
    assert found.shape == (240, 320, 3)
    assert found[60, 120].tolist() == [10, 90, 200]
    assert not found[160, 120].any()
    np.testing.assert_array_equal(small_image(found), found)


def _moves(images):
    """Whether something moves in each image but the first, 15 a second."""
    observer, found = ContactObserver(), []
    for number, image in enumerate(images):
        observer.observe(image, number / 15, [])
        found.append(observer.moves)
    return found[1:]


def _shifted(image, x, y):
    matrix = np.array([[1, 0, x], [0, 1, y]], np.float32)
    return cv2.warpAffine(image, matrix, (160, 120), borderMode=cv2.BORDER_REFLECT)


def test_what_moves_against_the_background_is_seen(busy_desk):
    assert all(_moves(map(busy_desk, range(12))))


@pytest.mark.parametrize('change', ['noise', 'exposure', 'shake', 'pan'])
def test_noise_light_and_the_camera_are_no_motion(desk, change):
    rng = np.random.default_rng(5)
    changed = {
        'noise': desk,
        'exposure': lambda k: np.clip(desk(k) * (1 + 0.25 * np.sin(k / 5)), 0, 255).astype('u1'),
        'shake': lambda k: _shifted(desk(k), *rng.normal(0, 0.8, 2)),
        'pan': lambda k: _shifted(desk(k), 1.5 * k, 0),
    }[change]
    assert not any(_moves(map(changed, range(20))))


GREY = cv2.cvtColor(WALL, cv2.COLOR_RGB2GRAY)
HAND = np.array([100.0, 80.0]) + 22.0 * OPEN_HAND
MASK = hand_mask([HAND], GREY.shape)
CAMERA = np.array([[1.0, 0.0, -2.0], [0.0, 1.0, 1.5], [0.0, 0.0, 1.0]])
ROWS, COLUMNS = np.mgrid[: GREY.shape[0], : GREY.shape[1]]
NEAR = np.hypot(COLUMNS - fingertip(HAND)[0], ROWS - fingertip(HAND)[1]) < 30


def flow_of(hand: tuple[float, float], above: tuple[float, float]) -> np.ndarray:
    """Flow of a camera, of the hand, and of what is near and above a line through its tips."""
    flow = np.zeros((*GREY.shape, 2), np.float32)
    flow[NEAR & (ROWS < 80)] = above
    flow[MASK] = hand
    return flow + np.array([-2.0, 1.5], np.float32)


def comotion(flow: np.ndarray, grey: np.ndarray = GREY) -> float:
    return measure_comotion(FrameMotion(grey, flow, CAMERA), HAND, MASK)


def test_the_share_that_moves_like_the_hand():
    noise = np.random.default_rng(5).integers(0, 255, GREY.shape).astype(np.uint8)
    share = comotion(flow_of((3.0, -4.0), (3.5, -3.0)), noise)
    # of the 842 pixels on no hand within its 22.1 pixels of the tip, 420 are above the line
    assert share == pytest.approx(420 / 842, abs=0.005)


@pytest.mark.parametrize(
    ('above', 'alike'), [((3.0, -2.1), True), ((3.0, -1.9), False), ((-3.0, 4.0), False)]
)
def test_what_differs_by_two_fifths_of_the_speed_moves_like_the_hand(above, alike):
    assert (comotion(flow_of((3.0, -4.0), above)) > 0.3) is alike


def test_what_the_camera_moves_stands_still():
    assert comotion(flow_of((3.0, -4.0), (0.0, 0.0))) == 0.0


def test_of_a_hand_that_stands_still_it_is_unknown():
    assert np.isnan(comotion(flow_of((0.3, -0.3), (0.3, -0.3))))


def test_of_a_wall_without_texture_it_is_unknown():
    flow = flow_of((3.0, -4.0), (3.0, -4.0))
    assert np.isnan(comotion(flow, np.full_like(GREY, 120)))


def test_of_a_hand_out_of_the_image_it_is_unknown():
    motion = FrameMotion(GREY, flow_of((3.0, -4.0), (3.0, -4.0)), CAMERA)
    assert np.isnan(measure_comotion(motion, HAND + (500.0, 0.0), MASK))
