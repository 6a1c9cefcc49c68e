# SPDX-License-Identifier: Apache-2.0
"""Limits of the settings of the pipeline, and the thresholds that follow from them."""

from __future__ import annotations

from typing import Any

import pytest

from afformer_core.runtime.calibrations import PresenceCalibration
from afformer_core.stream.settings import PipelineSettings

CALIBRATION = PresenceCalibration(1.0, 10.0, -7.0, 0.37, 0.96, 300, 'validation.json', 'ab12')


@pytest.mark.parametrize(
    ('name', 'low', 'high'),
    [
        ('maximum_peaks', 1, 100),
        ('minimum_presence', -1, 1),
        ('certainty_threshold', -1, 1),
        ('minimum_confidence', 0, 1),
        ('minimum_feature_similarity', -1, 1),
        ('minimum_continuity', -1, 1),
        ('release_time', 0, 3600),
        ('smoothing_time', 0, 60),
        ('hold_time', 0, 60),
        ('scene_cut_threshold', 0, 1),
        ('peak_tolerance', 0, 0.25),
        ('agreement_tolerance', 0, 1),
        ('minimum_candidate_score', 0, 1),
        ('overlay_opacity', 0, 1),
        ('cloud_minimum_weight', 0, 1),
        ('mask_share', 0.001, 1),
        ('pre_grasp_distance', 0, 1),
        ('depth_wait', 0, 1),
    ],
)
def test_values_beyond_their_limits_are_refused(name: str, low: float, high: float) -> None:
    for value in (low, high):
        assert getattr(PipelineSettings(**{name: value}), name) == value
    for value in (low - 0.01, high + 0.01, float('nan')):
        with pytest.raises(ValueError, match=f'{name} is {value}; expected'):
            PipelineSettings(**{name: value})


def test_the_range_of_depth_is_not_empty() -> None:
    with pytest.raises(ValueError, match=r'nearest depth is 3\.0 m and farthest 2\.0 m'):
        PipelineSettings(nearest_depth=3.0, farthest_depth=2.0)
    surface = PipelineSettings(depth_noise=0.02, nearest_depth=0.3, farthest_depth=2.0).surface
    assert (surface.noise, surface.nearest, surface.farthest) == (0.02, 0.3, 2.0)


@pytest.mark.parametrize(
    ('settings', 'calibration', 'expected'),
    [
        ({}, CALIBRATION, {'presence': 0.37, 'continuity': 0.75}),
        ({'minimum_presence': 0.6}, CALIBRATION, {'presence': 0.6, 'continuity': 0.75}),
        ({}, None, {'confidence': 0.2, 'feature_similarity': 0.7, 'continuity': 0.75}),
        (
            {'minimum_feature_similarity': -1, 'minimum_continuity': -1},
            None,
            {'confidence': 0.2},
        ),
    ],
)
def test_thresholds_depend_on_the_calibration(
    settings: dict[str, Any], calibration: PresenceCalibration | None, expected: dict[str, float]
) -> None:
    assert PipelineSettings(**settings).thresholds(calibration) == expected
