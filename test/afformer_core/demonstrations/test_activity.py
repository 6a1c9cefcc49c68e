# SPDX-License-Identifier: Apache-2.0
import cv2
import numpy as np
import pytest

from afformer_core.demonstrations.activity import MotionActivity, Persistence


def _observe(images, rate=30.0):
    detector = MotionActivity()
    return [detector.observe(image, number / rate) for number, image in enumerate(images)]


def _moved(image, x, y):
    matrix = np.array([[1, 0, x], [0, 1, y]], np.float32)
    return cv2.warpAffine(image, matrix, (160, 120), borderMode=cv2.BORDER_REFLECT)


def test_noise_is_no_activity(desk):
    assert not any(one.active or one.camera_moves for one in _observe(map(desk, range(40))))


def test_what_moves_is_seen_soon_and_not_before(desk, busy_desk):
    seen = _observe([desk(i) for i in range(20)] + [busy_desk(i) for i in range(20)])
    active = [number for number, one in enumerate(seen) if one.active]
    assert 20 < active[0] <= 26
    assert active == list(range(active[0], 40))
    assert not any(one.camera_moves for one in seen)


def _with_hand(image, reach):
    """The image with a dark hand that comes in from the right by so many pixels."""
    image = image.copy()
    if reach:
        image[50:75, -reach:] = 30
    return image


def test_a_hand_that_holds_still_is_activity_until_it_leaves(desk):
    reaches = [0] * 20 + list(range(2, 42, 2)) + [40] * 60 + list(range(40, 0, -2)) + [0] * 40
    seen = _observe(_with_hand(desk(i), reach) for i, reach in enumerate(reaches))
    active = [number for number, one in enumerate(seen) if one.active]
    assert 20 < active[0] <= 30
    assert active == list(range(active[0], active[-1] + 1))
    assert 115 <= active[-1] <= 140


def test_few_frames_a_second_are_enough(desk, busy_desk):
    images = [desk(i) for i in range(6)] + [busy_desk(3 * i) for i in range(6)]
    active = [number for number, one in enumerate(_observe(images, rate=3.0)) if one.active]
    assert active == [7, 8, 9, 10, 11]


def test_automatic_exposure_is_no_activity(desk):
    images = [
        np.clip(desk(i) * (1 + 0.25 * np.sin(i / 5)), 0, 255).astype(np.uint8) for i in range(40)
    ]
    assert not any(one.active for one in _observe(images))


def test_a_shaken_camera_is_no_activity(desk):
    rng = np.random.default_rng(5)
    images = [_moved(desk(i), *rng.normal(0, 0.8, 2)) for i in range(40)]
    assert not any(one.active for one in _observe(images))


def test_a_panning_camera_is_told(desk):
    seen = _observe([_moved(desk(i), 1.5 * i, 0) for i in range(40)])
    assert not any(one.active for one in seen)
    assert sum(one.camera_moves for one in seen) > 25


def test_another_size_of_images_begins_anew(desk):
    images = [desk(i) for i in range(5)] + [np.zeros((90, 160, 3), np.uint8)] * 5
    assert not any(one.active or one.camera_moves for one in _observe(images))


@pytest.mark.parametrize(
    ('seen', 'rate', 'lasts'),
    [
        ([1, 1, 0, 1], 30, [0, 0, 0, 0]),
        ([1, 1, 1, 1, 1], 30, [0, 0, 0, 1, 1]),
        ([0, 1, 1, 1], 2, [0, 0, 1, 1]),
    ],
)
def test_persistence(seen, rate, lasts):
    persistence = Persistence()
    found = [persistence.lasts(bool(one), number / rate) for number, one in enumerate(seen)]
    assert found == [bool(one) for one in lasts]


# 80 x 60 is the size at which images are compared.
GREY = np.full((60, 80, 3), 100, np.uint8)


def _with_patch(side, levels):
    image = GREY.astype(int)
    image[20 : 20 + side, 30 : 30 + side] += levels
    return image.astype(np.uint8)


def _seen_after(before, after, gap=0.1):
    """What is seen when an image changes and is seen again after so many seconds."""
    detector = MotionActivity()
    detector.observe(before, 0.0)
    assert not detector.observe(after, 1.0).active
    return detector.observe(after, 1.0 + gap)


@pytest.mark.parametrize(('levels', 'active'), [(-7, True), (-6, False), (6, False), (7, True)])
def test_a_change_of_more_than_six_grey_levels_counts(levels, active):
    assert _seen_after(GREY, _with_patch(20, levels)).active is active


@pytest.mark.parametrize(
    ('side', 'levels', 'active'),
    [(2, 100, False), (3, 50, False), (3, 100, True), (4, 20, True)],
)
def test_a_patch_of_three_thousandths_of_the_image_counts(side, levels, active):
    assert _seen_after(GREY, _with_patch(side, levels)).active is active


@pytest.mark.parametrize(('gap', 'active'), [(0.099, False), (0.1, True)])
def test_what_lasts_a_tenth_of_a_second_counts(gap, active):
    assert _seen_after(GREY, _with_patch(20, 50), gap).active is active


@pytest.mark.parametrize(
    ('side', 'active'),
    [(8, '.......#......................'), (9, '.......#######################')],
)
def test_what_stays_counts_where_it_covers_a_fiftieth_of_the_image(side, active):
    detector = MotionActivity()
    images = [GREY] * 5 + [_with_patch(side, 60)] * 25
    seen = [detector.observe(image, number / 10) for number, image in enumerate(images)]
    assert ''.join('.#'[one.active] for one in seen) == active


@pytest.mark.parametrize(('deviation', 'moves'), [(24, False), (36, True)])
def test_where_everything_differs_the_camera_moves(deviation, moves):
    before, after = (
        np.clip(128 + np.random.default_rng(seed).normal(0, deviation, (60, 80, 1)), 0, 255)
        .astype(np.uint8)
        .repeat(3, axis=2)
        for seed in (1, 2)
    )
    assert _seen_after(before, after).camera_moves is moves


@pytest.mark.parametrize(
    ('x', 'y', 'moves'), [(1, 0, False), (3, 0, True), (0, 1, False), (0, 3, True), (0, -3, True)]
)
def test_a_step_of_more_than_two_pixels_is_the_cameras(x, y, moves):
    coarse = np.random.default_rng(3).integers(40, 200, (6, 8, 3), np.uint8)
    desk = cv2.resize(coarse, (80, 60), interpolation=cv2.INTER_CUBIC)
    matrix = np.array([[1, 0, x], [0, 1, y]], np.float32)
    moved = cv2.warpAffine(desk, matrix, (80, 60), borderMode=cv2.BORDER_REFLECT)
    seen = _seen_after(desk, moved)
    assert (seen.active, seen.camera_moves) == (False, moves)


def test_contrast_and_brightness_that_change_are_no_activity():
    coarse = np.random.default_rng(3).integers(40, 200, (6, 8, 3), np.uint8)
    desk = cv2.resize(coarse, (80, 60), interpolation=cv2.INTER_CUBIC)
    darker = (0.7 * desk + 20).round().astype(np.uint8)
    assert not _seen_after(desk, darker).active
    darker[20:30, 30:40] = np.clip(darker[20:30, 30:40].astype(int) + 25, 0, 255)
    assert _seen_after(desk, darker).active
