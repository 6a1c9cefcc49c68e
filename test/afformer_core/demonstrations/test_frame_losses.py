# SPDX-License-Identifier: Apache-2.0
"""Frames that are missing by the gaps between stamps."""

import pytest

from afformer_core.demonstrations.frame_losses import StampGaps


@pytest.mark.parametrize(
    ('periods', 'missing'),
    [
        ([], 0),
        ([0.1], 0),
        ([0.1, 0.1, 0.1], 0),
        ([0.1, 0.1, 0.2, 0.1], 1),
        ([0.1, 0.1, 0.5, 0.3, 0.1], 6),
        # A gap of just one and a half periods, and one of less.
        ([0.1, 0.1, 0.15], 1),
        ([0.1, 0.1, 0.149], 0),
        ([0.002, 0.002, 0.002, 0.004], 1),
        # Of an even number of periods the lower one in the middle.
        ([0.1, 0.1, 0.2, 0.2], 2),
        # Jitter of a third of the period.
        ([0.1, 0.13, 0.07, 0.1, 0.14], 0),
        # A camera of 90 Hz.
        ([1 / 90] * 50 + [2 / 90] * 3 + [4 / 90], 6),
        # Stamps that do not change tell nothing.
        ([0.0, 0.0, 1.0], 0),
    ],
)
def test_missing(periods, missing):
    gaps = StampGaps()
    for period in periods:
        gaps.add(period)
    assert gaps.missing == missing
