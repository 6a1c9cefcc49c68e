# SPDX-License-Identifier: Apache-2.0
"""Chart of presence over time."""

from __future__ import annotations

import math
import re

from afformer_ros.studio.presence_chart import PresenceSample, presence_svg


def lines(svg: str) -> list[str]:
    """The drawn paths, the threshold first."""
    return re.findall(r' d="([^"]*)"', svg)


def test_the_line_and_the_threshold() -> None:
    samples = [PresenceSample(970.0, 1.0, 0.5), PresenceSample(971.0, 0.0, 0.5)]

    svg = presence_svg(samples, 1000.0)

    assert lines(svg) == ['M0 50.0 L600 50.0', 'M300.0 4.0 L310.0 96.0']
    assert 'aria-label="Presence over the last minute: last 0.00, needed 0.50"' in svg


def test_what_is_older_than_a_minute_is_left_out_and_a_pause_is_a_gap() -> None:
    times = (939.0, 985.0, 986.0, 989.0, 990.0)

    svg = presence_svg([PresenceSample(each, 0.5, 0.25) for each in times], 1000.0)

    assert lines(svg)[1] == 'M450.0 50.0 L460.0 50.0 M490.0 50.0 L500.0 50.0'


def test_a_model_that_is_not_calibrated_has_no_line() -> None:
    svg = presence_svg([PresenceSample(999.0, math.nan, math.nan)], 1000.0)

    assert lines(svg) == ['']
    assert 'aria-label="Presence over the last minute: none"' in svg
