# SPDX-License-Identifier: Apache-2.0
"""HTML report of a replay, in a single file."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from afformer_core.replay.contact_sheet import ContactSheet
from afformer_core.replay.record import ABSTAINED, FOUND, HELD, UNREADABLE, ReplayRecord
from afformer_core.replay.summary import (
    Distribution,
    ReplaySummary,
    jitter,
    total_milliseconds,
)
from afformer_core.reports.charts import Series, histogram, line_chart, strip
from afformer_core.reports.report_style import STYLE

# Colours that people with any kind of colour blindness tell apart.
_STATE_COLOURS = {
    FOUND: '#009E73',
    HELD: '#E69F00',
    ABSTAINED: '#B8B8B8',
    UNREADABLE: '#D55E00',
}
_BLUE = '#0072B2'
# What is drawn over time, and how.
_EVIDENCE = (
    ('presence', '#882255'),
    ('confidence', _BLUE),
    ('resemblance', '#AA4499'),
    ('continuity', '#117733'),
)
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
    records: Sequence[ReplayRecord],
    sheet: ContactSheet,
) -> None:
    """Write the page.

    Args:
        path: of the file.
        summary: of the records.
        records: at least one.
        sheet: pictures to show.
    """
    seconds = [(record.time - records[0].time) * 1e-9 for record in records]
    sections = [
        _headline(summary),
        _notes(summary),
        _contact_sheet(sheet, records),
        _timeline(summary, records, seconds),
        _space(summary, records, seconds),
        _truth(summary, records, seconds),
        _jitter(summary, records, seconds),
        _latency(summary, records),
        _problems(summary),
        _facts(summary.facts),
    ]
    path.write_text(
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f'<title>Replay of {escape(summary.facts.get("bag", "a bag"))}</title>'
        f'<style>{STYLE}</style></head><body>'
        f'<h1>Replay of {escape(summary.facts.get("bag", "a bag"))}</h1>'
        f'{"".join(sections)}</body></html>\n',
        encoding='utf-8',
    )


def _headline(summary: ReplaySummary) -> str:
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
    shown = ''.join(f'<div><b>{value}</b>{name}</div>' for value, name in numbers)
    return f'<div class="big">{shown}</div>'


def _notes(summary: ReplaySummary) -> str:
    return ''.join(f'<p><strong>{escape(note)}</strong></p>' for note in summary.notes)


def _contact_sheet(sheet: ContactSheet, records: Sequence[ReplayRecord]) -> str:
    by_stamp = {record.stamp: record for record in records}
    figures = []
    for picture in sheet.pictures:
        record = by_stamp[picture.stamp]
        seconds = (record.time - records[0].time) * 1e-9
        source = base64.b64encode(picture.jpeg).decode()
        caption = f'{seconds:.2f} s: {record.state}'
        if record.position is not None:
            caption += f', {record.position[2]:.3f} m away'
        figures.append(
            f'<figure><img alt="{caption}" src="data:image/jpeg;base64,{source}">'
            f'<figcaption>{caption}</figcaption></figure>'
        )
    return f'<h2>Contact sheet</h2><div class="sheet">{"".join(figures)}</div>'


def _timeline(
    summary: ReplaySummary, records: Sequence[ReplayRecord], seconds: Sequence[float]
) -> str:
    counts = [sum(record.state == state for record in records) for state in _STATE_COLOURS]
    keys = _keys(
        {
            f'{state} ({count})': colour
            for (state, colour), count in zip(_STATE_COLOURS.items(), counts, strict=True)
        }
    )
    return (
        '<h2>Evidence</h2>'
        f'<p class="note">The band shows each image: {keys}</p>'
        + strip(seconds, [_STATE_COLOURS[record.state] for record in records])
        + '<p class="note">An image below a dashed line is no evidence.</p>'
        + ''.join(
            _evidence(name, colour, records, seconds, summary.thresholds.get(name))
            for name, colour in _EVIDENCE
        )
    )


def _evidence(
    name: str,
    colour: str,
    records: Sequence[ReplayRecord],
    seconds: Sequence[float],
    least: float | None,
) -> str:
    values = [None if one.state == UNREADABLE else getattr(one, name) for one in records]
    if all(value is None for value in values):
        return ''
    return line_chart(
        seconds,
        [Series(name, colour, values)],
        'seconds',
        name,
        (min(0.0, least or 0.0), 1.0),
        None if least is None else (least, f'minimum_{name} {least:.3g}'),
    )


def _space(
    summary: ReplaySummary, records: Sequence[ReplayRecord], seconds: Sequence[float]
) -> str:
    if summary.distance is None:
        return ''
    distances = [None if r.position is None else float(r.position[2]) for r in records]
    values = [distance for distance in distances if distance is not None]
    margin = 0.05 * max(max(values) - min(values), 0.05)
    chart = line_chart(
        seconds,
        [Series('distance', _BLUE, distances)],
        'seconds',
        'metres',
        (min(values) - margin, max(values) + margin),
    )
    return (
        '<h2>Distance of the point</h2><p class="note">Along the optical axis, of the best peak; '
        f'a gap where no point was published.</p>{chart}'
    )


def _truth(
    summary: ReplaySummary, records: Sequence[ReplayRecord], seconds: Sequence[float]
) -> str:
    if not summary.scores:
        return ''
    rows = [(_SCORE_NAMES[name], value) for name, value in summary.scores.items()]
    text = '<h2>Against the annotations</h2>' + _distributions(rows, 'measure')
    for name in ('peak_pixels', 'peak_millimetres'):
        if name in summary.scores:
            values = [getattr(r.scores, name) if r.scores else None for r in records]
            series = [Series(_SCORE_NAMES[name], _BLUE, values)]
            text += line_chart(seconds, series, 'seconds', _SCORE_NAMES[name])
    return text


def _jitter(
    summary: ReplaySummary, records: Sequence[ReplayRecord], seconds: Sequence[float]
) -> str:
    if summary.jitter is None:
        return ''
    chart = line_chart(seconds, [Series('jitter', _BLUE, jitter(records))], 'seconds', 'pixels')
    return (
        '<h2>Jitter of the peak</h2><p class="note">Pixels from the best peak of one image to '
        'that of the next, the motion of the camera included: median '
        f'{summary.jitter.median:.2f}, p95 {summary.jitter.p95:.2f}.</p>{chart}'
    )


def _latency(summary: ReplaySummary, records: Sequence[ReplayRecord]) -> str:
    totals = [total_milliseconds(record) for record in records]
    known = [total for total in totals if total is not None]
    total = summary.stages['total']
    marks = [(total.median, 'median'), (total.p95, 'p95')]
    return (
        '<h2>Time an image takes</h2><p class="note">From the recorded bytes to the written '
        'messages, without the video.</p>'
        + histogram(known, 'milliseconds', _BLUE, marks)
        + _distributions(list(summary.stages.items()), 'milliseconds')
    )


def _problems(summary: ReplaySummary) -> str:
    if not summary.problems:
        return '<h2>Problems</h2><p>None.</p>'
    rows = ''.join(
        f'<tr><td class="number">{problem.count}</td><td>{escape(problem.example)}</td></tr>'
        for problem in summary.problems
    )
    return (
        '<h2>Problems</h2><p class="note">Why images could not be read, or their best peak has no '
        'point in space; of those that differ in numbers only, one is shown.</p>'
        f'<table><tr><th class="number">images</th><th>problem</th></tr>{rows}</table>'
    )


def _facts(facts: Mapping[str, str]) -> str:
    rows = ''.join(
        f'<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>'
        for name, value in facts.items()
    )
    return f'<h2>What was replayed</h2><table>{rows}</table>'


def _distributions(rows: Sequence[tuple[str, Distribution]], title: str) -> str:
    lines = ''.join(
        f'<tr><td>{escape(name)}</td><td class="number">{value.count}</td>'
        + ''.join(
            f'<td class="number">{number:.3g}</td>'
            for number in (value.median, value.mean, value.p95, value.maximum)
        )
        + '</tr>'
        for name, value in rows
    )
    heads = ''.join(
        f'<th class="number">{head}</th>' for head in ('images', 'median', 'mean', 'p95', 'max')
    )
    return f'<table><tr><th>{title}</th>{heads}</tr>{lines}</table>'


def _keys(colours: Mapping[str, str]) -> str:
    return ''.join(
        f'<span class="key" style="background:{colour}"></span>{escape(name)}'
        for name, colour in colours.items()
    )
