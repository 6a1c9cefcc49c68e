# SPDX-License-Identifier: Apache-2.0
"""Averages over time, followed descriptors, cuts of scenes, and images in a row that agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from afformer_core.runtime import Peak
from afformer_core.runtime.grounding import Prediction
from afformer_core.stream.grounding_stream import (
    AgreementCounter,
    DescriptorTracker,
    PredictionSmoother,
)

from .conftest import Camera

MILLISECOND = 1_000_000


@pytest.fixture
def first(predict: Callable[..., Prediction]) -> Prediction:
    return predict(10, 20)


@pytest.fixture
def second(predict: Callable[..., Prediction]) -> Prediction:
    return replace(predict(40, 20), action_scores={'hold': 0.95, 'press': 0.05})


def test_each_image_counts_by_the_time_since_it_and_since_the_one_before(
    first: Prediction, second: Prediction
) -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        smoother, times = PredictionSmoother(), np.cumsum(rng.integers(10, 300, 4))
        seen = [(first, second)[number] for number in rng.integers(2, size=4)]
        seen[-1] = replace(seen[-1], feature_similarity=0.4, seconds=0.02)
        for prediction, time in zip(seen, times.tolist(), strict=True):
            found = smoother.add(prediction, time * MILLISECOND, 0.1)
        weights = np.exp((times - times[-1]) / 100)
        weights[1:] *= 1 - np.exp(-np.diff(times) / 100)

        press, heatmap = (
            sum(weight * value for weight, value in zip(weights, values, strict=True))
            for values in (
                [one.action_scores['press'] for one in seen],
                [one.probabilities for one in seen],
            )
        )
        assert found.action_scores == pytest.approx({'press': press, 'hold': 1 - press})
        assert next(iter(found.action_scores)) == ('press' if press > 0.5 else 'hold')
        np.testing.assert_allclose(found.probabilities, heatmap, atol=1e-6)
        assert (found.feature_similarity, found.seconds) == (0.4, 0.02)
        assert found.descriptor is seen[-1].descriptor


@pytest.mark.parametrize(('stamp', 'seconds'), [(100, 0.0), (0, 0.1), (-100, 0.1)])
def test_nothing_is_blended_without_time(
    first: Prediction, second: Prediction, stamp: int, seconds: float
) -> None:
    smoother = PredictionSmoother()
    smoother.add(first, 0, 0.1)

    assert smoother.add(second, stamp * MILLISECOND, seconds) is second


SECOND = 1_000_000_000


def descriptor(radians: float) -> np.ndarray:
    return np.array([np.cos(radians), np.sin(radians)], np.float32)


def test_the_first_descriptor_is_taken_as_it_is() -> None:
    tracker = DescriptorTracker()
    assert tracker.continuity(descriptor(2.0)) == 1.0
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


def test_a_hand_before_the_camera_is_no_other_scene(predict):
    camera = Camera(scene_cut_threshold=0.1)
    camera.see(0, predict(20, 20))
    image = predict(20, 20).image.copy()
    image[20:50, 20:50] = 200
    assert camera.see(100, replace(predict(20, 20), image=image)).restart == ''


# Its diagonal is 500 pixels.
SIZE = (300, 400)
SETTINGS = {'smoothing_time': 0.0, 'hold_time': 0.0}


@pytest.mark.parametrize(
    ('us', 'tolerance', 'counts'),
    [
        ((100, 109, 100), 0.02, [1, 2, 3]),
        ((100, 110.1, 110), 0.02, [1, 1, 2]),
        # Small steps to another point do not agree.
        ((100, 108, 116, 124), 0.02, [1, 2, 1, 2]),
        # The tolerance is a share of the diagonal.
        ((100, 149), 0.1, [1, 2]),
        ((100, 151), 0.1, [1, 1]),
    ],
)
def test_points_within_the_tolerance_agree(us, tolerance, counts):
    counter = AgreementCounter()
    assert [counter.add(Peak(u, 100, 0.9), SIZE, tolerance) for u in us] == counts


class Row(Camera):
    """Takes images ten a second, and counts those that agree."""

    time = 0

    def count(self, prediction, **fields):
        self.time += 100
        return self.see(self.time, prediction, **fields).agreeing_images


def test_an_image_without_the_element_agrees_with_none(predict):
    camera = Row(**SETTINGS)
    assert [camera.count(predict(20, 20)) for _ in range(3)] == [1, 2, 3]
    assert camera.count(predict(20, 20, feature_similarity=0.1)) == 0
    assert camera.count(predict(20, 20)) == 1


def test_a_result_that_is_held_agrees_with_none(predict):
    camera = Row(smoothing_time=0.0, hold_time=1.0)
    assert camera.count(predict(20, 20)) == 1
    assert camera.count(predict(20, 20, feature_similarity=0.1)) == 0


def test_another_demonstration_begins_a_new_row(predict):
    camera = Row(**SETTINGS)
    assert [camera.count(predict(20, 20)) for _ in range(2)] == [1, 2]
    assert camera.count(predict(20, 20), demonstration='pull') == 1
