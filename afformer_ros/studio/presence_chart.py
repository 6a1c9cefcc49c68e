# SPDX-License-Identifier: Apache-2.0
"""A chart of presence over time, as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WINDOW = 60.0
"""Seconds that the chart shows."""

_WIDTH, _HEIGHT, _MARGIN = 600, 100, 4
# Samples further apart are not joined, seconds.
_GAP = 2.0


@dataclass(frozen=True)
class PresenceSample:
    """Presence at a time.

    Attributes:
        seconds: arrival, seconds of the monotonic clock.
        presence: probability that the demonstrated element is in view; NaN: not calibrated.
        threshold: required presence; NaN: not calibrated.
    """

    seconds: float
    presence: float
    threshold: float


def presence_svg(samples: Sequence[PresenceSample], now: float) -> str:
    """Draw the last minute of presence as a line, and its threshold as a dashed line.

    Args:
        samples: samples in order.
        now: right end of the chart, seconds of the monotonic clock.
    """
    shown = [
        sample for sample in samples if now - sample.seconds <= WINDOW and sample.presence >= 0
    ]
    lines = ' '.join(_path(piece, now) for piece in _joined(shown))
    threshold = shown[-1].threshold if shown else math.nan
    dashes = '' if math.isnan(threshold) else _dashes(threshold)
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{_description(shown)}" style="width:100%;height:100px;display:block">'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="none" stroke="currentColor" '
        f'stroke-opacity="0.4" />{dashes}'
        f'<path d="{lines}" fill="none" stroke="currentColor" stroke-width="2" '
        'vector-effect="non-scaling-stroke" /></svg>'
    )


def _joined(samples: Sequence[PresenceSample]) -> list[list[PresenceSample]]:
    """Split samples at long gaps."""
    pieces: list[list[PresenceSample]] = []
    for sample in samples:
        if pieces and sample.seconds - pieces[-1][-1].seconds <= _GAP:
            pieces[-1].append(sample)
        else:
            pieces.append([sample])
    return pieces


def _path(samples: Sequence[PresenceSample], now: float) -> str:
    corners = [f'{_x(sample.seconds, now):.1f} {_y(sample.presence):.1f}' for sample in samples]
    # A path with a single point draws nothing.
    return 'M' + ' L'.join(corners if len(corners) > 1 else 2 * corners)


def _dashes(threshold: float) -> str:
    y = f'{_y(threshold):.1f}'
    return (
        f'<path class="threshold" d="M0 {y} L{_WIDTH} {y}" fill="none" stroke="currentColor" '
        'stroke-dasharray="6 6" vector-effect="non-scaling-stroke" />'
    )


def _description(samples: Sequence[PresenceSample]) -> str:
    if not samples:
        return 'Presence over the last minute: none'
    last = samples[-1]
    return f'Presence over the last minute: last {last.presence:.2f}, needed {last.threshold:.2f}'


def _x(seconds: float, now: float) -> float:
    return _WIDTH * (1 - (now - seconds) / WINDOW)


def _y(presence: float) -> float:
    return _MARGIN + (_HEIGHT - 2 * _MARGIN) * (1 - presence)
