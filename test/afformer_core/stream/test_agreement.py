# SPDX-License-Identifier: Apache-2.0
"""Images in a row whose best points agree."""

from __future__ import annotations

import pytest

from afformer_core.runtime import Peak
from afformer_core.stream.tracking import AgreementCounter

from .conftest import Camera

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
