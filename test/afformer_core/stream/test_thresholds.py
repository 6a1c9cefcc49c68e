# SPDX-License-Identifier: Apache-2.0
"""The thresholds that decide, as a report tells them."""

from __future__ import annotations

import pytest

from afformer_core.runtime.presence import PresenceCalibration
from afformer_core.stream.settings import StreamSettings

CALIBRATION = PresenceCalibration(1.0, 10.0, -7.0, 0.37, 0.96, 300, 'validation.json', 'ab12')


@pytest.mark.parametrize(
    ('minimum', 'expected'),
    [
        (-1.0, {'presence': 0.37, 'continuity': 0.75}),
        (0.6, {'presence': 0.6, 'continuity': 0.75}),
    ],
)
def test_of_a_calibrated_model_presence_decides(
    minimum: float, expected: dict[str, float]
) -> None:
    settings = StreamSettings(minimum_presence=minimum)
    assert settings.thresholds(CALIBRATION) == expected


def test_of_another_model_confidence_and_feature_similarity_decide() -> None:
    assert StreamSettings().thresholds(None) == {
        'confidence': 0.2, 'feature_similarity': 0.7, 'continuity': 0.75,
    }  # fmt: skip


def test_what_is_not_asked_for_has_no_threshold() -> None:
    settings = StreamSettings(minimum_feature_similarity=-1, minimum_continuity=-1)
    assert settings.thresholds(None) == {'confidence': 0.2}
