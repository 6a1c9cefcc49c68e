# SPDX-License-Identifier: Apache-2.0
"""Tips of what enters the image: where they are, how fast, and where they rest."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from afformer_core.demonstrations.contact_reading.contact_maps import (
    changed_mask,
    entering_map,
    entering_tips,
    tip_speeds,
)
from afformer_core.demonstrations.contact_reading.hand_paths import ObservedFrame

HEIGHT, WIDTH = 140, 220
SKIN = (205, 150, 120)


def desk() -> np.ndarray:
    """A textured background."""
    noise = np.random.default_rng(4).integers(60, 190, (14, 22, 3), np.uint8)
    return np.asarray(cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC))


def finger(image: np.ndarray, tip: tuple[int, int], base: tuple[int, int]) -> np.ndarray:
    """The image with a finger that comes in from below the border."""
    drawn = image.copy()
    cv2.line(drawn, base, tip, SKIN, 17)
    return drawn


def smooth(image: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 1.2), np.float32)


def test_the_tip_is_the_end_that_is_farthest_from_the_border() -> None:
    image = finger(desk(), (130, 60), (160, 150))

    tips = entering_tips(image, np.eye(3), smooth(desk()))

    assert len(tips) == 1
    # The line has a round end of half its breadth.
    assert np.linalg.norm(tips[0] - (127, 52)) < 5


def test_what_does_not_reach_the_border_has_not_entered() -> None:
    image = desk()
    cv2.line(image, (60, 40), (90, 80), SKIN, 17)

    assert not len(entering_tips(image, np.eye(3), smooth(desk())))


def test_a_shadow_is_no_change_and_skin_of_the_same_brightness_is() -> None:
    background = np.full((HEIGHT, WIDTH, 3), (150, 160, 170), np.uint8)
    shaded, covered = background.copy(), background.copy()
    shaded[20:60, 30:90] = (90, 96, 102)
    covered[20:60, 30:90] = (140, 90, 60)

    shadow = changed_mask(shaded, np.eye(3), smooth(background))
    skin = changed_mask(covered, np.eye(3), smooth(background))

    assert shadow.sum() < 100
    assert skin[25:55, 35:85].all()


def test_the_camera_is_followed() -> None:
    """A frame whose background lies 9 pixels further right and 4 further down."""
    moved = np.array([[1, 0, -9], [0, 1, -4], [0, 0, 1]], np.float64)
    seen = cv2.warpAffine(desk(), np.linalg.inv(moved)[:2], (WIDTH, HEIGHT))

    assert changed_mask(desk(), np.eye(3), smooth(desk())).sum() == 0
    assert changed_mask(seen, moved, smooth(desk()))[:130, :205].mean() < 0.02
    assert changed_mask(seen, np.eye(3), smooth(desk())).mean() > 0.2


def test_the_speed_is_the_greater_one_of_before_and_after() -> None:
    times = np.arange(7) * 0.05
    xs = [10.0, 10.0, 10.0, 10.0, 16.0, 22.0, 28.0]
    tips = [np.array([[x, 40.0]]) for x in xs]

    # 0.1 s is two frames: 12 pixels from the fourth to the sixth.
    assert tip_speeds(tips, times, 3) == pytest.approx([120.0])
    assert tip_speeds(tips, times, 2) == pytest.approx([60.0])
    assert np.isinf(tip_speeds(tips, times, 0)).all()


def test_the_map_is_highest_where_the_tip_rests() -> None:
    """The finger passes (150, 95), rests at (92, 58) for half a second, and leaves."""
    way = np.linspace((190, 130), (92, 58), 12)
    tips = [*way, *([(92, 58)] * 8), *way[::-1]]
    frames = [ObservedFrame(desk(), 0.0, np.eye(3), ())]
    for number, (x, y) in enumerate(tips, 1):
        image = finger(desk(), (round(x), round(y)), (round(x) + 40, 160))
        frames.append(ObservedFrame(image, number / 15, np.eye(3), ()))

    found = entering_map(frames)

    assert found is not None
    row, column = divmod(int(found.argmax()), WIDTH)
    assert np.hypot(column - 89, row - 50) < 6
    assert found.min() == pytest.approx(np.log(0.05), abs=1e-6)
    assert found[95, 150] < np.log(0.4)


def test_nothing_enters_a_still_scene() -> None:
    frames = [ObservedFrame(desk(), number / 15, np.eye(3), ()) for number in range(5)]

    assert entering_map(frames) is None
