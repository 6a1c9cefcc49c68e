# SPDX-License-Identifier: Apache-2.0
"""Charts as SVG, to be put into a page as they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 860
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 10, 34
_HEIGHT = 190


@dataclass(frozen=True)
class Series:
    """A line of a chart; gaps where a value is None.

    Attributes:
        name: in the legend.
        colour: of CSS.
        values: one for each x.
    """

    name: str
    colour: str
    values: Sequence[float | None]


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float
    start: float
    end: float

    def __post_init__(self) -> None:
        if not self.high > self.low:
            raise ValueError(f'an axis from {self.low} to {self.high} shows nothing')

    def at(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, count: int) -> list[float]:
        rough = (self.high - self.low) / count
        power = 10 ** math.floor(math.log10(rough))
        step = next(power * nice for nice in (1, 2, 5, 10) if power * nice >= rough * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [step * number for number in range(first, last + 1)]


def line_chart(
    x: Sequence[float],
    series: Sequence[Series],
    x_label: str,
    y_label: str,
    y_range: tuple[float, float] | None = None,
    threshold: tuple[float, str] | None = None,
) -> str:
    """Lines over a common x.

    Args:
        x: not decreasing, at least one.
        series: lines, each as long as x.
        x_label, y_label: with units.
        y_range: None: from 0 to a little above the maximum.
        threshold: a dashed line at a value, with its name.
    """
    known = [v for one in series for v in one.values if v is not None and math.isfinite(v)]
    low, high = y_range or (0.0, 1.05 * max([*known, 1e-9]))
    horizontal = _Axis(x[0], max(x[-1], x[0] + 1e-3), _LEFT, WIDTH - _RIGHT)
    vertical = _Axis(low, high, _HEIGHT - _BOTTOM, _TOP)
    parts = _frame(horizontal, vertical, x_label, y_label)
    if threshold is not None:
        y = vertical.at(threshold[0])
        # Its name does not lie on those of the ticks.
        baseline = y + 13 if y + 13 < _HEIGHT - _BOTTOM else y - 5
        parts.append(
            f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
            'class="threshold"/>'
            f'<text x="{_LEFT + 4}" y="{baseline:.1f}">{escape(threshold[1])}</text>'
        )
    for one in series:
        parts += _line(x, one, horizontal, vertical)
    return _svg(parts, _HEIGHT)


def histogram(
    values: Sequence[float], x_label: str, colour: str, marks: Sequence[tuple[float, str]]
) -> str:
    """How often values occur; from 0, what lies beyond the last bar is counted in it.

    Args:
        values: not negative, at least one.
        x_label: with units.
        colour: of the bars.
        marks: values to point out, with their names.
    """
    ordered = sorted(values)
    # one value of a second among milliseconds would leave a single bar for all the others
    limit = min(ordered[-1], 2 * ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))])
    bars = 40
    width = max(limit, 1e-6) / bars
    counts = [0] * bars
    for value in values:
        counts[min(bars - 1, int(value / width))] += 1
    horizontal = _Axis(0, bars * width, _LEFT, WIDTH - _RIGHT)
    vertical = _Axis(0, 1.05 * max(counts), _HEIGHT - _BOTTOM, _TOP)
    parts = _frame(horizontal, vertical, x_label, 'images')
    for number, count in enumerate(counts):
        left, right = horizontal.at(number * width), horizontal.at((number + 1) * width)
        top = vertical.at(count)
        parts.append(
            f'<rect x="{left + 0.5:.1f}" y="{top:.1f}" width="{right - left - 1:.1f}" '
            f'height="{_HEIGHT - _BOTTOM - top:.1f}" fill="{colour}"/>'
        )
    for number, (value, name) in enumerate(marks):
        at = horizontal.at(min(value, horizontal.high))
        parts.append(
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}" '
            f'class="threshold"/><text x="{at - 4:.1f}" y="{_TOP + 12 + 14 * number}" '
            f'text-anchor="end">{escape(name)}</text>'
        )
    return _svg(parts, _HEIGHT)


def strip(x: Sequence[float], colours: Sequence[str]) -> str:
    """A band in which each x has a colour up to the next one."""
    height = 16
    horizontal = _Axis(x[0], max(x[-1], x[0] + 1e-3), _LEFT, WIDTH - _RIGHT)
    parts, begin = [], 0
    for number in range(1, len(x) + 1):
        if number < len(x) and colours[number] == colours[begin]:
            continue
        left = horizontal.at(x[begin])
        right = horizontal.at(x[number]) if number < len(x) else WIDTH - _RIGHT
        parts.append(
            f'<rect x="{left:.1f}" y="0" width="{max(1.0, right - left):.1f}" '
            f'height="{height}" fill="{colours[begin]}"/>'
        )
        begin = number
    return _svg(parts, height)


def _svg(parts: Sequence[str], height: int) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">'
        f'{"".join(parts)}</svg>'
    )


def _frame(horizontal: _Axis, vertical: _Axis, x_label: str, y_label: str) -> list[str]:
    bottom, right = _HEIGHT - _BOTTOM, WIDTH - _RIGHT
    parts = []
    for tick in vertical.ticks(6):
        y = vertical.at(tick)
        parts.append(
            f'<line x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>'
        )
    for tick in horizontal.ticks(8):
        x = horizontal.at(tick)
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 4}" class="axis"/>'
            f'<text x="{x:.1f}" y="{bottom + 17}" text-anchor="middle">{tick:g}</text>'
        )
    middle = (_TOP + bottom) / 2
    parts.append(
        f'<line x1="{_LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}" class="axis"/>'
        f'<text x="{(_LEFT + right) / 2}" y="{_HEIGHT - 3}" text-anchor="middle">'
        f'{escape(x_label)}</text>'
        f'<text x="12" y="{middle}" text-anchor="middle" '
        f'transform="rotate(-90 12 {middle})">{escape(y_label)}</text>'
    )
    return parts


def _line(x: Sequence[float], series: Series, horizontal: _Axis, vertical: _Axis) -> list[str]:
    runs: list[list[str]] = [[]]
    for at, value in zip(x, series.values, strict=True):
        if value is None or not math.isfinite(value):
            runs.append([])
            continue
        shown = min(max(value, vertical.low), vertical.high)
        runs[-1].append(f'{horizontal.at(at):.1f},{vertical.at(shown):.1f}')
    parts = []
    for run in runs:
        if len(run) == 1:
            cx, cy = run[0].split(',')
            parts.append(f'<circle cx="{cx}" cy="{cy}" r="2" fill="{series.colour}"/>')
        elif run:
            parts.append(
                f'<polyline points="{" ".join(run)}" fill="none" stroke="{series.colour}" '
                'stroke-width="1.6"/>'
            )
    return parts
