# SPDX-License-Identifier: Apache-2.0
"""The descriptor of a peak, followed over a second."""

import numpy as np
import pytest

from afformer_core.stream.tracking import DescriptorTracker

SECOND = 1_000_000_000


def descriptor(radians: float) -> np.ndarray:
    return np.array([np.cos(radians), np.sin(radians)], np.float32)


def test_before_any_peak_everything_is_as_it_was() -> None:
    assert DescriptorTracker().continuity(descriptor(2.0)) == 1.0


def test_the_first_descriptor_is_taken_as_it_is() -> None:
    tracker = DescriptorTracker()
    tracker.add(descriptor(0.5), 7 * SECOND)

    assert tracker.continuity(descriptor(0.5)) == pytest.approx(1.0)
    assert tracker.continuity(descriptor(0.5 + np.pi / 3)) == pytest.approx(0.5)


@pytest.mark.parametrize(('seconds', 'share'), [(0.0, 0.0), (1.0, 0.6321206), (3.0, 0.9502129)])
def test_it_follows_with_a_time_constant_of_a_second(seconds: float, share: float) -> None:
    tracker = DescriptorTracker()
    tracker.add(descriptor(0.0), 2 * SECOND)
    tracker.add(descriptor(np.pi / 2), round((2 + seconds) * SECOND))

    # On the line from (1, 0) to (0, 1), so far from the first, at length 1.
    length = np.hypot(1 - share, share)
    assert tracker.continuity(descriptor(0.0)) == pytest.approx((1 - share) / length, abs=1e-5)
    assert tracker.continuity(descriptor(np.pi / 2)) == pytest.approx(share / length, abs=1e-5)


def test_the_time_counts_from_the_peak_before() -> None:
    tracker = DescriptorTracker()
    for number in range(3):
        tracker.add(descriptor(0.0), number * SECOND)
    tracker.add(descriptor(np.pi / 2), 3 * SECOND)

    assert tracker.continuity(descriptor(0.0)) == pytest.approx(0.5030, abs=1e-4)


def test_a_stamp_that_goes_back_changes_nothing() -> None:
    tracker = DescriptorTracker()
    tracker.add(descriptor(0.0), 2 * SECOND)
    tracker.add(descriptor(np.pi / 2), SECOND)

    assert tracker.continuity(descriptor(0.0)) == pytest.approx(1.0, abs=1e-5)


def test_it_is_forgotten_where_it_was_found_before_a_stamp() -> None:
    tracker = DescriptorTracker()
    tracker.add(descriptor(0.0), 2 * SECOND)

    tracker.forget_before(2 * SECOND)
    assert tracker.continuity(descriptor(1.0)) < 1
    tracker.forget_before(2 * SECOND + 1)
    assert tracker.continuity(descriptor(1.0)) == 1.0
