# SPDX-License-Identifier: Apache-2.0
"""Latencies of the last seconds, and in words when they are too large."""

import pytest

from afformer_ros.grounding.grounding_statistics import LatencyWindow, StageTimes


@pytest.mark.parametrize(
    ('end_to_end', 'limit', 'told'),
    [
        (0.4, 0.5, ''),
        (0.6, 0.5, 'results come 0.60 s after their images, more than 0.50 s'),
        (0.6, 0.0, ''),
        (-0.6, 0.5, ''),
        (95881112.92, 0.5, 'the stamps of the images are 95881113 s away from'),
        (-500.0, 0.5, 'the stamps of the images are 500 s away from'),
    ],
)
def test_results_that_are_too_old(end_to_end, limit, told):
    window = LatencyWindow(10.0)
    window.add(
        StageTimes(
            age_at_arrival=0.0,
            wait=0.0,
            preprocess=0.0,
            ground=0.0,
            postprocess=0.0,
            publish=0.0,
            overhead=0.0,
            end_to_end=end_to_end,
        )
    )
    problem = window.problem(limit)
    assert problem.startswith(told)
    assert bool(problem) == bool(told)
    assert ('set use_sim_time' in problem) == (abs(end_to_end) > 100)


def test_without_results_nothing_is_too_old():
    assert LatencyWindow(10.0).problem(0.5) == ''
