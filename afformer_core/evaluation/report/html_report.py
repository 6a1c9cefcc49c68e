# SPDX-License-Identifier: Apache-2.0
"""HTML report of an evaluation, in a single file."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from afformer_core.evaluation.report.exhibits import Exhibit
from afformer_core.evaluation.report.pictures import encode_jpeg
from afformer_core.evaluation.report.report import Report, fact_text
from afformer_core.evaluation.report.tiles import Picture
from afformer_core.files.atomic import write_aside
from afformer_core.reports.bootstrap import Estimate
from afformer_core.reports.report_style import STYLE
from afformer_core.reports.tables import Cell, Table, cell_text

_NAME = 'report.html'
# What is told first: the measure, what it is called, and how it is written.
_HEADLINE = (
    ('kld', 'KLD', '{:.2f}'),
    ('sim', 'SIM', '{:.2f}'),
    ('auc_j', 'AUC-J', '{:.2f}'),
    ('hit_rate', 'hit rate', '{:.0%}'),
    ('peak_error_median', 'median peak error, % of diagonal', '{:.1f}'),
    ('which_button', 'which-button accuracy', '{:.0%}'),
    ('top_1', 'Top-1 action', '{:.0%}'),
)
_EMPHASIZED = ('model', 'all')
_STYLE = """
body { max-width: 1000px; }
td, th { padding-right: 1.4em; } td small { display: block; color: #57606a; white-space: nowrap; }
tbody tr.own { font-weight: 600; } tr.own small { font-weight: 400; }
table.facts td:first-child { color: #57606a; white-space: nowrap; }
table.facts td { overflow-wrap: anywhere; border: 0; padding-bottom: 0; }
.exhibit { margin: 0 0 1.6em; break-inside: avoid; }
h3 { font-size: 1.05em; margin: 1.4em 0 0.5em; }
.exhibit h4 { font-size: 1em; margin: 0; overflow-wrap: anywhere; }
.measures { margin: 0 0 0.4em; color: #57606a; font-variant-numeric: tabular-nums; }
.measures span { margin-right: 1.2em; }
.tiles { display: grid; gap: 10px; align-items: start; }
.tiles figure { margin: 0; } .tiles img { width: 100%; display: block; }
.tiles figcaption { font-size: 0.8em; color: #57606a; }
.frames { display: grid; grid-template-columns: 1fr 1fr; gap: 4px; }
"""


def report_path(path: Path, name: str = _NAME) -> Path:
    """The file that a page is to be written to: `path`, or one in that folder.

    Args:
        path: a file whose name ends with `.html` or `.htm`, or else a folder.
        name: of the file in a folder.

    Raises:
        ValueError: a folder is in the way of the file, or a file in the way of the folder.
    """
    file = path if path.suffix.lower() in ('.html', '.htm') else path / name
    if file.is_dir():
        raise ValueError(f'{file} is a folder; the report would be a file of that name')
    for parent in file.parents:
        if parent.exists() and not parent.is_dir():
            raise ValueError(
                f'{parent} is a file, so that the report cannot lie below it; name a folder, or '
                'a file that ends with .html'
            )
    return file


def write_report(path: Path, report: Report, exhibits: Mapping[str, Sequence[Exhibit]]) -> None:
    """Write the page, whole or not at all.

    Args:
        path: of the file.
        report: facts, measures and tables.
        exhibits: to be shown, by the name of their chapter.
    """
    model = Path(str(report.facts.get('model', 'a model'))).name
    what = report.facts.get('predictor') or report.facts.get('models') or model
    title = f'Evaluation of {escape(str(what))}'
    sections = [_headline(report), _facts(report)]
    sections += [_table(table) for table in report.tables]
    sections.append(_pictures(exhibits))
    page = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f'<title>{title}</title><style>{STYLE}{_STYLE}</style></head><body>'
        f'<h1>{title}</h1>{"".join(sections)}</body></html>\n'
    )
    # A path may hold what is no text.
    write_aside(path, page.encode(errors='replace'))


def _headline(report: Report) -> str:
    if report.evaluated is None:
        return ''
    shown = []
    for name, label, form in _HEADLINE:
        cell = getattr(report.evaluated, name)
        value = cell.value if isinstance(cell, Estimate) else cell
        if isinstance(value, float):
            shown.append(f'<div><b>{form.format(value)}</b>{label}</div>')
    return f'<div class="big">{"".join(shown)}</div>'


def _facts(report: Report) -> str:
    rows = ''.join(
        f'<tr><td>{escape(name)}</td><td>{escape(fact_text(value))}</td></tr>'
        for name, value in report.facts.items()
    )
    return f'<table class="facts">{rows}</table>'


def _table(table: Table) -> str:
    heads = ''.join(f'<th class="number">{escape(column)}</th>' for column in table.columns)
    lines = ''.join(
        f'<tr{" class=own" if label in _EMPHASIZED else ""}><td>{escape(label)}</td>'
        f'{"".join(map(_cell, cells))}</tr>'
        for label, cells in table.rows.items()
    )
    notes = ''.join(f'<p class="note">{escape(note)}</p>' for note in table.notes)
    return (
        f'<h2>{escape(table.title)}</h2><table><thead><tr><th></th>{heads}</tr></thead>'
        f'<tbody>{lines}</tbody></table>{notes}'
    )


def _cell(cell: Cell) -> str:
    if isinstance(cell, Estimate):
        text = f'{cell_text(cell.value)}<small>{cell.low:.3f} to {cell.high:.3f}</small>'
        return f'<td class="number">{text}</td>'
    return f'<td class="number">{escape(cell_text(cell))}</td>'


def _pictures(exhibits: Mapping[str, Sequence[Exhibit]]) -> str:
    if not exhibits:
        return ''
    chapters = ''.join(
        f'<h3>{escape(name[:1].upper() + name[1:])}</h3>{"".join(map(_exhibit, each))}'
        for name, each in exhibits.items()
    )
    return (
        '<h2>Rows, chosen by KLD</h2>'
        '<p class="note">Heatmaps are drawn relative to their own maximum. Cross: best peak. '
        'Ground truth: annotated points, or the outlines of all elements with the demonstrated '
        f'one in colour.</p>{chapters}'
    )


def _exhibit(exhibit: Exhibit) -> str:
    measures = ''.join(f'<span>{escape(each)}</span>' for each in exhibit.measures)
    frames = ''.join(_image(each, 'frame of the demonstration') for each in exhibit.frames)
    tiles = _figure(f'<div class="frames">{frames}</div>', 'demonstration') if frames else ''
    tiles += ''.join(
        _figure(_image(tile, name), name)
        for name, tile in {**exhibit.predicted, 'ground truth': exhibit.truth}.items()
    )
    columns = bool(frames) + len(exhibit.predicted) + 1
    layout = f'style="grid-template-columns: repeat({columns}, minmax(0, 320px))"'
    return (
        f'<article class="exhibit"><h4>{escape(exhibit.title)}</h4>'
        f'<p class="measures">{measures}</p><div class="tiles" {layout}>'
        f'{tiles}</div></article>'
    )


def _figure(content: str, caption: str) -> str:
    return f'<figure>{content}<figcaption>{escape(caption)}</figcaption></figure>'


def _image(picture: Picture, name: str) -> str:
    source = base64.b64encode(encode_jpeg(picture)).decode()
    return f'<img alt="{escape(name)}" src="data:image/jpeg;base64,{source}">'
