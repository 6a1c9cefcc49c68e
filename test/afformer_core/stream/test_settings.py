# SPDX-License-Identifier: Apache-2.0
"""Ranges and defaults of the settings of a stream."""

import pytest

from afformer_core.stream.settings import StreamSettings


@pytest.mark.parametrize(
    ('name', 'low', 'high', 'default'),
    [
        ('maximum_peaks', 1, 1000, 5),
        ('minimum_presence', -1, 1, -1),
        ('certainty_threshold', -1, 1, -1),
        ('minimum_confidence', 0, 1, 0.2),
        ('minimum_feature_similarity', -1, 1, 0.7),
        ('minimum_continuity', -1, 1, 0.75),
        ('release_time', 0, 3600, 5),
        ('smoothing_time', 0, 3600, 0.1),
        ('hold_time', 0, 3600, 0.5),
        ('scene_cut_threshold', 0, 1, 0.2),
        ('peak_tolerance', 0, 0.25, 0.04),
        ('agreement_tolerance', 0, 1, 0.02),
    ],
)
def test_from_the_lowest_to_the_highest(
    name: str, low: float, high: float, default: float
) -> None:
    assert getattr(StreamSettings(), name) == default
    for value in (low, high):
        assert getattr(StreamSettings(**{name: value}), name) == value
    for value in (low - 0.01, high + 0.01):
        with pytest.raises(ValueError, match=rf'{name} is .*; expected from {low} to {high}'):
            StreamSettings(**{name: value})
