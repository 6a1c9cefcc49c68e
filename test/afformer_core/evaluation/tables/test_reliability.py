# SPDX-License-Identifier: Apache-2.0
"""The expected calibration error of probabilities that can be counted by hand."""

from __future__ import annotations

import pytest

from afformer_core.evaluation.tables.reliability import expected_calibration_error


@pytest.mark.parametrize(
    ('probabilities', 'happened', 'error'),
    [
        # A bin is told by its mean: 0.3 of two, of which one happened.
        ((0.1, 0.2), (False, True), (0.1 + 0.8) / 2),
        ((0.12, 0.18), (False, True), (1 - 0.3) / 2),
        # Of nine or eleven bins each of these would be two.
        ((0.05, 0.095), (False, True), (1 - 0.145) / 2),
        ((0.105, 0.115), (False, True), (1 - 0.22) / 2),
        # Certainty is in the last bin.
        ((1.0, 0.95), (False, True), (1.95 - 1) / 2),
        ((0.0, 1.0), (False, True), 0.0),
        ((0.0, 1.0), (True, False), 1.0),
        # Weighed by the number of images: 3 of 4 are off by 0.3.
        ((0.3, 0.3, 0.3, 1.0), (False, False, False, True), 0.9 / 4),
    ],
)
def test_distance_of_what_was_said_from_what_was_so(
    probabilities: tuple[float, ...], happened: tuple[bool, ...], error: float
) -> None:
    assert expected_calibration_error(probabilities, happened) == pytest.approx(error)
