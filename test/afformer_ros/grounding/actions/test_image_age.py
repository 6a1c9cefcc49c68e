# SPDX-License-Identifier: Apache-2.0
"""Ages of images that do not count for a goal, and clocks that disagree."""

from __future__ import annotations

import pytest

from afformer_ros.grounding.actions.image_age import age_problem

NOW = 1_700_000_000_400_000_000


@pytest.mark.parametrize('milliseconds', [-500, -3, 0, 120, 500])
def test_an_image_of_about_now_counts(milliseconds):
    assert age_problem(NOW - milliseconds * 1_000_000, NOW, 0.5) == ''


@pytest.mark.parametrize(
    ('age', 'problem'),
    [
        (2.31, 'it was 2.31 s old; expected at most 0.5 s'),
        (0.51, 'it was 0.51 s old; expected at most 0.5 s'),
        (
            -0.75,
            'its stamp is 0.75 s ahead of the clock of the node; expected at most 0.5 s. '
            'Synchronize the clocks',
        ),
        (
            4000.0,
            'its stamp is 4000 s behind the clock of the node; expected at most 0.5 s. Set '
            'use_sim_time if a bag or a simulator provides the time, or maximum_image_age to 0',
        ),
        (
            -4000.0,
            'its stamp is 4000 s ahead of the clock of the node; expected at most 0.5 s. Set '
            'use_sim_time if a bag or a simulator provides the time, or maximum_image_age to 0',
        ),
    ],
)
def test_an_image_of_another_time_does_not_count(age, problem):
    assert age_problem(NOW - round(age * 1e9), NOW, 0.5) == problem


def test_an_image_without_a_stamp_does_not_count():
    assert age_problem(0, NOW, 0.5).startswith('it has no stamp, so')


def test_nothing_counts_before_simulated_time_begins():
    assert age_problem(12_000_000_000, 0, 0.5).startswith('no message has arrived on /clock')


@pytest.mark.parametrize('stamp', [0, 12_000_000_000, NOW + 60_000_000_000])
def test_any_age_counts_where_none_is_too_old(stamp):
    assert age_problem(stamp, NOW, 0.0) == ''


def test_a_large_limit_is_no_other_clock():
    assert age_problem(NOW - 250_000_000_000, NOW, 300.0) == ''
