# SPDX-License-Identifier: Apache-2.0
"""Mirrored examples by literal pixels, points and actions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from afformer_core.offline.data.augmentation.augmentation import Example, flipped
from afformer_core.offline.data.augmentation.flips import FlipSettings, flip_images

NAMES = ('press', 'rotate clockwise', 'rotate counterclockwise')
TURNS = (('rotate clockwise', 'rotate counterclockwise'),)


def example() -> Example:
    rng = np.random.default_rng(0)
    return Example(
        rng.integers(0, 256, (2, 4, 6, 3), np.uint8),
        rng.integers(0, 256, (5, 8, 3), np.uint8),
        (1, 0),
        (np.array([[0.0, 2.0], [7.0, 4.0]]), np.array([[2.5, 1.0], [-3.0, 9.0]])),
    )


def test_pixels_points_and_actions_are_mirrored() -> None:
    before = example()
    after = flipped(before, {1: 2, 2: 1})
    np.testing.assert_array_equal(after.frames, before.frames[:, :, ::-1])
    np.testing.assert_array_equal(after.image, before.image[:, ::-1])
    assert after.actions == (2, 0)
    assert after.points[0].tolist() == [[7.0, 2.0], [0.0, 4.0]]
    assert after.points[1].tolist() == [[4.5, 1.0], [10.0, 9.0]]


def test_the_mirror_of_the_mirror_is_the_example() -> None:
    before = example()
    after = flipped(flipped(before, {1: 2, 2: 1}), {1: 2, 2: 1})
    np.testing.assert_array_equal(after.image, before.image)
    assert after.actions == before.actions


def test_images_that_do_not_lie_in_one_piece() -> None:
    images = example().frames[:, ::2]
    np.testing.assert_array_equal(flip_images(images), images[:, :, ::-1])


def test_hard_negative_actions_are_found_by_their_names() -> None:
    assert FlipSettings(probability=0.5, exchanged_actions=TURNS).mirrored_actions(NAMES) == {
        1: 2,
        2: 1,
    }
    assert FlipSettings(probability=0.5).mirrored_actions(NAMES) == {}


def test_a_hard_negative_action_that_there_is_not_is_named() -> None:
    with pytest.raises(
        ValueError, match=r"'rotate clockwise' and .*; expected names of press, pull"
    ):
        FlipSettings(probability=0.5, exchanged_actions=TURNS).mirrored_actions(('press', 'pull'))


@pytest.mark.parametrize(
    'wrong',
    [
        {'probability': -0.1},
        {'probability': float('nan')},
        {'exchanged_actions': (('a', 'b'), ('b', 'c'))},
        {'exchanged_actions': (('a', 'a'),)},
        {'exchanged_actions': (('a', 'b', 'c'),)},
    ],
)
def test_options_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match='expected'):
        FlipSettings(**wrong)
