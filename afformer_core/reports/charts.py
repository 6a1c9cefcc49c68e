# SPDX-License-Identifier: Apache-2.0
"""Charts as SVG for a page; text and lines take the colours of the page.

The same values give the same text.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from itertools import groupby
from typing import Any
from xml.etree import ElementTree

import numpy as np
from markupsafe import Markup

from afformer_core.errors import AfformerError, how_to_install

# In pixels of a page that is wide enough.
_WIDTH, _HEIGHT, _BAND_HEIGHT = 860, 190, 16
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 18, 38
_INNER_WIDTH, _DPI = _WIDTH - _LEFT - _RIGHT, 72
_BARS = 40
# Placeholder in matplotlib's output for a colour that the page chooses.
_TEXT, _MUTED, _GRID, _VALUES = '#010101', '#010102', '#010103', '#010104'
_OF_THE_PAGE = {
    _TEXT: 'var(--text)', _MUTED: 'var(--muted)', _GRID: 'var(--line)', _VALUES: 'var(--accent)',
}  # fmt: skip
_STYLE: Any = {
    'svg.fonttype': 'none',
    'svg.hashsalt': 'afformer',
    'font.size': 11,
    'font.family': ['DejaVu Sans'],
    'text.color': _MUTED,
    'axes.labelcolor': _MUTED,
    'axes.edgecolor': _MUTED,
    'xtick.color': _MUTED,
    'ytick.color': _MUTED,
}
_DASHED: dict[str, Any] = {
    'color': _TEXT, 'linewidth': 1, 'linestyle': (0, (4, 3)), 'clip_on': False,
}  # fmt: skip


def require_charts() -> None:
    """Check that charts can be drawn, before their data is computed.

    Raises:
        AfformerError: matplotlib is not installed.
    """
    if find_spec('matplotlib') is None:
        raise AfformerError(
            f'the charts of a report need matplotlib. Run {how_to_install("report")}'
        )


def line_chart(
    x: Sequence[float],
    values: Sequence[float | None],
    x_label: str,
    y_label: str,
    y_range: tuple[float, float] | None = None,
    threshold: tuple[float, str] | None = None,
) -> Markup:
    """Draw a line with gaps where there is no value.

    Args:
        x: not decreasing, at least one.
        values: one for each x; None or not finite if there is none.
        x_label, y_label: with units.
        y_range: values beyond are drawn on its edge; None: from 0 to a little above the maximum.
        threshold: a dashed line at a value, with its name.
    """
    known = np.array([math.nan if value is None else value for value in values], np.float64)
    known[~np.isfinite(known)] = np.nan
    low, high = y_range or (0.0, 1.05 * float(np.nanmax([*known, 1e-9])))
    drawn = np.clip(known, low, high)
    line = {'color': _VALUES, 'linewidth': 1.6, 'clip_on': False}

    def draw(axes: Any) -> None:
        axes.set(xlim=_span(x), ylim=(low, high), xlabel=x_label, ylabel=y_label)
        axes.plot(x, drawn, **line)
        for index in _alone(drawn):
            dot = {**line, 'linewidth': 4, 'solid_capstyle': 'round'}
            axes.plot([x[index]] * 2, [drawn[index]] * 2, **dot)
        if threshold is not None:
            value, name = threshold
            axes.axhline(value, **_DASHED)
            # Its name does not overlap those of the ticks.
            below = (value - low) / (high - low) > 0.15
            alignment = {'va': 'top' if below else 'bottom', 'xytext': (4, -4 if below else 4)}
            axes.annotate(name, (0, value), **alignment, **_offset('axes fraction', 'data'))

    return _chart(f'{y_label} over {x_label}', _HEIGHT, draw)


def histogram(values: Sequence[float], x_label: str, marks: Sequence[tuple[float, str]]) -> Markup:
    """Draw a histogram from 0; the last bar also counts the values beyond it.

    Args:
        values: not negative, at least one.
        x_label: with units.
        marks: values to mark, with their names, the lowest first.
    """
    ordered = sorted(values)
    # A single value of a second among milliseconds would put all the others into one bar.
    limit = min(ordered[-1], 2 * ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))])
    limit = max(limit, 1e-6)
    counts, edges = np.histogram(np.clip(values, 0, limit), _BARS, (0, limit))

    def draw(axes: Any) -> None:
        axes.set(xlim=(0, limit), ylim=(0, 1.05 * counts.max()), xlabel=x_label, ylabel='images')
        axes.stairs(counts, edges, fill=True, color=_VALUES, clip_on=False)
        for number, (value, name) in enumerate(marks):
            at = min(value, limit)
            axes.axvline(at, **_DASHED)
            side = {'ha': 'left' if number else 'right', 'xytext': (0, 3)}
            axes.annotate(name, (at, 1), **side, **_offset('data', 'axes fraction'))

    return _chart(f'images by {x_label}', _HEIGHT, draw)


def band(x: Sequence[float], colours: Sequence[str], label: str) -> Markup:
    """Draw a band in which each x has a colour up to the next one.

    Args:
        x: not decreasing, at least one.
        colours: one for each x, as `#rrggbb`.
        label: description of the chart for screen readers.
    """
    low, high = _span(x)
    begins = [next(run) for _, run in groupby(range(len(x)), key=colours.__getitem__)]
    left = np.array([x[begin] for begin in begins])
    # At least a pixel wide.
    width = np.maximum(np.diff(left, append=high), (high - low) / _INNER_WIDTH)

    def draw(axes: Any) -> None:
        axes.set(xlim=(low, high), ylim=(0, 1))
        axes.barh(0.5, width, 1, left, color=[colours[begin] for begin in begins], clip_on=False)

    return _chart(label, _BAND_HEIGHT, draw, bare=True)


def _chart(label: str, height: int, draw: Callable[[Any], None], *, bare: bool = False) -> Markup:
    """Draw a chart by `draw` into matplotlib's axes; bare: they are not shown."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    bottom, top = (0, 0) if bare else (_BOTTOM, _TOP)
    inner = height - bottom - top
    alignment = (_LEFT / _WIDTH, bottom / height, _INNER_WIDTH / _WIDTH, inner / height)
    file = io.BytesIO()
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH / _DPI, height / _DPI), dpi=_DPI)
        axes = figure.add_axes(alignment)
        axes.patch.set_visible(False)
        axes.spines[['top', 'left', 'right']].set_visible(False)
        axes.tick_params(bottom=False, left=False)
        axes.grid(axis='y', color=_GRID, clip_on=False)
        axes.set_axisbelow(True)
        axes.yaxis.set_label_coords((16 - _LEFT) / _INNER_WIDTH, 0.5)
        if bare:
            axes.set_axis_off()
        draw(axes)
        figure.savefig(file, format='svg', transparent=True)
    return _inline(file.getvalue(), label)


def _inline(svg: bytes, label: str) -> Markup:
    """Remove the parts of an SVG that a page does not need, and use the page's colours."""
    root = ElementTree.fromstring(svg)
    for child in list(root):
        if child.tag.endswith(('metadata', 'defs')):
            root.remove(child)
    for element in root.iter():
        element.tag = element.tag.rpartition('}')[2]
        element.attrib.pop('id', None)
    root.attrib = {
        'class': 'chart', 'role': 'img', 'aria-label': label, 'viewBox': root.attrib['viewBox'],
    }  # fmt: skip
    text = ElementTree.tostring(root, encoding='unicode')
    for placeholder, colour in _OF_THE_PAGE.items():
        text = text.replace(placeholder, colour)
    return Markup(text)


def _offset(x: str, y: str) -> dict[str, Any]:
    """Coordinates of the annotated point; its text is a few points beside it."""
    return {'xycoords': (x, y), 'textcoords': 'offset points'}


def _span(x: Sequence[float]) -> tuple[float, float]:
    return x[0], max(x[-1], x[0] + 1e-3)


def _alone(values: Any) -> list[int]:
    """Find values without a neighbour, which no line would show."""
    known = np.pad(np.isfinite(values), 1)
    return [int(index) for index in np.flatnonzero(known[1:-1] & ~known[:-2] & ~known[2:])]
