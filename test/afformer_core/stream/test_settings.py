# SPDX-License-Identifier: Apache-2.0
"""Ranges and defaults of the settings of a stream."""

import pytest

from afformer_core.stream.settings import StreamSettings


@pytest.mark.parametrize(
    ('name', 'low', 'high'),
    [
        ('maximum_peaks', 1, 1000),
        ('minimum_presence', -1, 1),
        ('certainty_threshold', -1, 1),
        ('minimum_confidence', 0, 1),
        ('minimum_feature_similarity', -1, 1),
        ('minimum_continuity', -1, 1),
        ('release_time', 0, 3600),
        ('smoothing_time', 0, 3600),
        ('hold_time', 0, 3600),
        ('scene_cut_threshold', 0, 1),
        ('peak_tolerance', 0, 0.25),
        ('agreement_tolerance', 0, 1),
    ],
)
def test_from_the_lowest_to_the_highest(name: str, low: float, high: float) -> None:
    for value in (low, high):
        assert getattr(StreamSettings(**{name: value}), name) == value
    for value in (low - 0.01, high + 0.01):
        with pytest.raises(ValueError, match=rf'{name} is .*; expected from {low} to {high}'):
            StreamSettings(**{name: value})


def test_defaults() -> None:
    settings = StreamSettings()

    assert settings.maximum_peaks == 5
    assert settings.minimum_presence == -1
    assert settings.certainty_threshold == -1
    assert settings.agreement_tolerance == 0.02
    assert settings.minimum_confidence == 0.2
    assert settings.minimum_feature_similarity == 0.7
    assert settings.minimum_continuity == 0.75
    assert settings.release_time == 5
    assert settings.smoothing_time == 0.1
    assert settings.hold_time == 0.5
    assert settings.scene_cut_threshold == 0.2
    assert settings.peak_tolerance == 0.04
