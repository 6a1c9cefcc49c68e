# SPDX-License-Identifier: Apache-2.0
"""HTML report of a replay, in a single file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from afformer_core.replay.contact_sheet import ContactSheet
from afformer_core.replay.replayed_image import ABSTAINED, FOUND, HELD, UNREADABLE, ReplayedImage
from afformer_core.replay.summary import ReplaySummary, jitter, total_milliseconds
from afformer_core.reports.charts import band, histogram, line_chart
from afformer_core.reports.pages import jpeg_source, write_page

_TEMPLATE = Path(__file__).with_name('templates') / 'replay.html'
# Colours that are distinguishable with any kind of colour blindness, on white and on black.
_STATE_COLOURS = {
    FOUND: '#009e73',
    HELD: '#e69f00',
    ABSTAINED: '#999999',
    UNREADABLE: '#d55e00',
}
# Measures in charts over time.
_PRESENCE_MEASURES = ('presence', 'confidence', 'feature_similarity', 'continuity')
_SCORE_NAMES = {
    'kld': 'KLD',
    'sim': 'SIM',
    'auc_judd': 'AUC-J',
    'peak_pixels': 'peak error, px',
    'peak_millimetres': 'peak error, mm',
    'normal_degrees': 'normal error, degrees',
}


def write_report(
    path: Path,
    summary: ReplaySummary,
    rows: Sequence[ReplayedImage],
    sheet: ContactSheet,
) -> None:
    """Write the page atomically.

    Args:
        path: path of the file.
        summary: summary of the images.
        rows: rows, at least one.
        sheet: images to show.
    """
    seconds = [(row.time - rows[0].time) * 1e-9 for row in rows]
    write_page(
        path,
        _TEMPLATE,
        title=f'Replay of {summary.facts.get("bag", "a bag")}',
        summary=summary,
        headline=_headline(summary),
        images=_images(sheet, rows),
        states=[
            (f'{state} ({summary.states.get(state, 0)})', colour)
            for state, colour in _STATE_COLOURS.items()
        ],
        band=band(seconds, [_STATE_COLOURS[row.state] for row in rows], 'states'),
        presence_charts=_presence_charts(summary, rows, seconds),
        distance=_distance(summary, rows, seconds),
        scores={_SCORE_NAMES[name]: value for name, value in summary.scores.items()},
        errors=_errors(summary, rows, seconds),
        jitter=line_chart(seconds, jitter(rows), 'seconds', 'pixels') if summary.jitter else None,
        latency=_latency(summary, rows),
    )


def _headline(summary: ReplaySummary) -> list[tuple[str, str]]:
    """Return the most important numbers as text, with their labels."""
    images = sum(summary.states.values())
    found = summary.states.get(FOUND, 0) + summary.states.get(HELD, 0)
    numbers = [(str(images), 'images'), (f'{found / images:.0%}', 'found')]
    if found and summary.positions:
        numbers.append((f'{summary.positions / found:.0%}', 'of them with a 3-D point'))
    if summary.inside is not None:
        numbers.append((f'{summary.inside:.0%}', 'of peaks inside the outline'))
    for name, unit in (('peak_pixels', 'px'), ('peak_millimetres', 'mm')):
        if name in summary.scores:
            numbers.append((f'{summary.scores[name].median:.1f} {unit}', 'median peak error'))
    if 'total' in summary.stages:
        numbers.append((f'{summary.stages["total"].median:.0f} ms', 'an image, median'))
    return numbers


def _images(sheet: ContactSheet, rows: Sequence[ReplayedImage]) -> list[dict[str, Any]]:
    """Captions and sources."""
    by_stamp = {row.stamp: row for row in rows}
    images = []
    for image in sheet.images:
        row = by_stamp[image.stamp]
        caption = f'{(row.time - rows[0].time) * 1e-9:.2f} s: {row.state}'
        if row.position is not None:
            caption += f', {row.position[2]:.3f} m away'
        images.append({'caption': caption, 'source': jpeg_source(image.jpeg)})
    return images


def _presence_charts(
    summary: ReplaySummary, rows: Sequence[ReplayedImage], seconds: Sequence[float]
) -> list[Markup]:
    """Draw a chart of each available measure."""
    charts = []
    for name in _PRESENCE_MEASURES:
        values = [None if row.state == UNREADABLE else getattr(row, name) for row in rows]
        least = summary.thresholds.get(name)
        if any(value is not None for value in values):
            line = None if least is None else (least, f'minimum_{name} {least:.3g}')
            limits = (min(0.0, least or 0.0), 1.0)
            title = name.replace('_', ' ')
            charts.append(line_chart(seconds, values, 'seconds', title, limits, line))
    return charts


def _distance(
    summary: ReplaySummary, rows: Sequence[ReplayedImage], seconds: Sequence[float]
) -> Markup | None:
    if summary.distance is None:
        return None
    distances = [None if r.position is None else float(r.position[2]) for r in rows]
    values = [distance for distance in distances if distance is not None]
    margin = 0.05 * max(max(values) - min(values), 0.05)
    limits = (min(values) - margin, max(values) + margin)
    return line_chart(seconds, distances, 'seconds', 'metres', limits)


def _errors(
    summary: ReplaySummary, rows: Sequence[ReplayedImage], seconds: Sequence[float]
) -> list[Markup]:
    return [
        line_chart(
            seconds,
            [getattr(r.scores, name) if r.scores else None for r in rows],
            'seconds',
            _SCORE_NAMES[name],
        )
        for name in ('peak_pixels', 'peak_millimetres')
        if name in summary.scores
    ]


def _latency(summary: ReplaySummary, rows: Sequence[ReplayedImage]) -> Markup:
    totals = [total_milliseconds(row) for row in rows]
    known = [total for total in totals if total is not None]
    total = summary.stages['total']
    return histogram(known, 'milliseconds', [(total.median, 'median'), (total.p95, 'p95')])
