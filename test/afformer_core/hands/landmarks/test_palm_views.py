# SPDX-License-Identifier: Apache-2.0
"""Views of frames in turn."""

from __future__ import annotations

import pytest

from afformer_core.hands.landmarks.palm_views import PalmViews, crops


@pytest.mark.parametrize(
    ('size', 'expected'),
    [
        ((90, 160), [(0, 0), (32, 0), (64, 0), (0, 36), (32, 36), (64, 36)]),
        ((160, 90), [(0, 0), (36, 0), (0, 32), (36, 32), (0, 64), (36, 64)]),
    ],
)
def test_crops_overlap_and_cover_the_image(
    size: tuple[int, int], expected: list[tuple[int, int]]
) -> None:
    height, width = round(0.6 * size[0]), round(0.6 * size[1])

    assert crops(size) == [(x, y, x + width, y + height) for x, y in expected]


def test_whole_frames_and_crops_take_turns() -> None:
    views = PalmViews()

    seen = [views.next((90, 160), followed=False, interval=0.059) for _ in range(14)]

    assert seen[::2] == [[(0, 0, 160, 90)]] * 7
    assert seen[1::2] == [[crop] for crop in (*crops((90, 160)), crops((90, 160))[0])]


def test_crops_are_left_out_while_a_hand_is_followed() -> None:
    views = PalmViews()

    seen = [views.next((90, 160), followed=True, interval=0.03) for _ in range(4)]

    assert seen == [[(0, 0, 160, 90)], []] * 2


def test_frames_far_apart_are_seen_as_a_whole_and_one_crop_each() -> None:
    views = PalmViews()

    seen = [views.next((90, 160), followed=False, interval=0.06) for _ in range(3)]

    assert seen == [[(0, 0, 160, 90), crop] for crop in crops((90, 160))[:3]]
    assert views.next((90, 160), followed=True, interval=0.06) == [(0, 0, 160, 90)]
