# SPDX-License-Identifier: Apache-2.0
"""The appearance of a place, followed over a second."""

import numpy as np
import pytest

from afformer_core.stream.place_memory import PlaceMemory

SECOND = 1_000_000_000


def place(radians: float) -> np.ndarray:
    return np.array([np.cos(radians), np.sin(radians)], np.float32)


def test_before_any_place_everything_is_as_it_was() -> None:
    assert PlaceMemory().continuity(place(2.0)) == 1.0


def test_the_first_place_is_taken_as_it_is() -> None:
    memory = PlaceMemory()
    memory.add(place(0.5), 7 * SECOND)

    assert memory.continuity(place(0.5)) == pytest.approx(1.0)
    assert memory.continuity(place(0.5 + np.pi / 3)) == pytest.approx(0.5)


@pytest.mark.parametrize(('seconds', 'share'), [(0.0, 0.0), (1.0, 0.6321206), (3.0, 0.9502129)])
def test_it_follows_with_a_time_constant_of_a_second(seconds: float, share: float) -> None:
    memory = PlaceMemory()
    memory.add(place(0.0), 2 * SECOND)
    memory.add(place(np.pi / 2), round((2 + seconds) * SECOND))

    # On the line from (1, 0) to (0, 1), so far from the first, at length 1.
    length = np.hypot(1 - share, share)
    assert memory.continuity(place(0.0)) == pytest.approx((1 - share) / length, abs=1e-5)
    assert memory.continuity(place(np.pi / 2)) == pytest.approx(share / length, abs=1e-5)


def test_the_time_counts_from_the_place_before() -> None:
    memory = PlaceMemory()
    for number in range(3):
        memory.add(place(0.0), number * SECOND)
    memory.add(place(np.pi / 2), 3 * SECOND)

    assert memory.continuity(place(0.0)) == pytest.approx(0.5030, abs=1e-4)


def test_a_stamp_that_goes_back_changes_nothing() -> None:
    memory = PlaceMemory()
    memory.add(place(0.0), 2 * SECOND)
    memory.add(place(np.pi / 2), SECOND)

    assert memory.continuity(place(0.0)) == pytest.approx(1.0, abs=1e-5)


def test_it_is_forgotten_where_it_was_found_before_a_stamp() -> None:
    memory = PlaceMemory()
    memory.add(place(0.0), 2 * SECOND)

    memory.forget_before(2 * SECOND)
    assert memory.continuity(place(1.0)) < 1
    memory.forget_before(2 * SECOND + 1)
    assert memory.continuity(place(1.0)) == 1.0
