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


def test_a_thing_that_moves_is_seen_soon_and_not_before(desk, busy_desk):
    seen = _observe([desk(i) for i in range(20)] + [busy_desk(i) for i in range(20)])
    active = [number for number, one in enumerate(seen) if one.active]
    assert 20 < active[0] <= 26
    assert active == list(range(active[0], 40))
    assert not any(one.camera_moves for one in seen)


def _with_hand(image, reach):
    """The picture with a dark hand that comes in from the right by so many pixels."""
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
    random = np.random.default_rng(5)
    images = [_moved(desk(i), *random.normal(0, 0.8, 2)) for i in range(40)]
    assert not any(one.active for one in _observe(images))


def test_a_panning_camera_is_told(desk):
    seen = _observe([_moved(desk(i), 1.5 * i, 0) for i in range(40)])
    assert not any(one.active for one in seen)
    assert sum(one.camera_moves for one in seen) > 25


def test_another_size_of_pictures_begins_anew(desk):
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
