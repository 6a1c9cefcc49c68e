# SPDX-License-Identifier: Apache-2.0
"""HTML of a page about a dataset, a single file that needs no server."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from afformer_core.dataset_page.page import Bars, Card, DatasetPage, Figure, Finding, Picture
from afformer_core.evaluation.report.pictures import encode_jpeg
from afformer_core.files.atomic import write_aside
from afformer_core.reports.report_style import STYLE

_STYLE = """
body { max-width: 1100px; }
td { overflow-wrap: anywhere; } td small { display: block; color: #57606a; }
table.facts td:first-child { color: #57606a; white-space: nowrap; }
.found td:nth-child(2) { font-weight: 600; }
.sound { color: #1a7f37; font-weight: 600; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(320px, 1fr));
          gap: 0.5em 3em; }
.charts h3 { font-size: 1em; margin: 1em 0 0.3em; }
.charts table { width: 100%; }
.charts td { border: 0; padding: 0.1em 0.6em 0.1em 0; vertical-align: middle; }
.charts td:nth-child(2) { width: 60%; } .charts td { overflow-wrap: normal; }
.bar { background: #2f6f9f; height: 0.8em; }
.card { border-top: 1px solid #e3e6ea; padding: 0.8em 0 1.2em; break-inside: avoid; }
.card h3 { font-size: 1em; margin: 0; overflow-wrap: anywhere; }
.card h3 b { margin-left: 0.6em; color: #2f6f9f; }
.card p { margin: 0 0 0.4em; color: #57606a; } .card p.problem { color: #b35900; }
.pictures { display: grid; grid-template-columns: 1fr 1fr; gap: 14px; align-items: start; }
.frames { display: grid; grid-template-columns: repeat(4, 1fr); gap: 4px; }
.figures { display: flex; flex-wrap: wrap; gap: 10px; }
figure { margin: 0; } .figures figure { width: calc(50% - 5px); } .maps figure { width: 256px; }
img { width: 100%; display: block; }
figcaption { font-size: 0.8em; color: #57606a; }
[hidden] { display: none; }
@media (max-width: 700px) { .pictures { grid-template-columns: 1fr; } }
"""
_FILTER = Path(__file__).with_name('choose_cards.js')


def write_dataset_page(path: Path, page: DatasetPage) -> None:
    """Write a page, whole or not at all.

    Args:
        path: of the file.
        page: what it shows.
    """
    sections = [
        _headline(page.headline),
        _facts(page.facts),
        _findings(page.findings, page.looked_at),
        f'<h2>What is in it</h2><div class="charts">{"".join(map(_bars, page.distributions))}'
        f'<div class="maps">{"".join(map(_figure, page.maps))}</div></div>',
        _cards(page.cards, page.how),
    ]
    write_html(path, f'{page.title}', ''.join(sections), _STYLE, _FILTER)


def write_html(path: Path, title: str, body: str, style: str, script: Path) -> None:
    """Write a page of HTML with its style and its script inside, whole or not at all.

    Args:
        path: of the file.
        title: text.
        body: HTML below the title.
        style: CSS after that of all pages.
        script: file of JavaScript, which runs when the page is read.
    """
    page = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f'<title>{escape(title)}</title><style>{STYLE}{style}</style></head><body>'
        f'<h1>{escape(title)}</h1>{body}'
        f'<script>{script.read_text(encoding="utf-8")}</script></body></html>\n'
    )
    # A path may hold what is no text.
    write_aside(path, page.encode(errors='replace'))


def image_source(picture: Picture) -> str:
    """A picture as the source of an image that lies in the page itself."""
    return f'data:image/jpeg;base64,{base64.b64encode(encode_jpeg(picture)).decode()}'


def frame_strip(frames: Sequence[Picture]) -> str:
    """HTML of the frames of a demonstration, in order."""
    images = ''.join(
        f'<img alt="frame {number} of the demonstration" src="{image_source(frame)}">'
        for number, frame in enumerate(frames, start=1)
    )
    return f'<div class="frames">{images}</div>'


def _headline(numbers: Mapping[str, int]) -> str:
    shown = ''.join(
        f'<div><b>{number:,}</b>{escape(name)}</div>' for name, number in numbers.items()
    )
    return f'<div class="big">{shown}</div>'


def _facts(facts: Mapping[str, str]) -> str:
    rows = ''.join(
        f'<tr><td>{escape(name)}</td><td>{escape(text)}</td></tr>' for name, text in facts.items()
    )
    return f'<table class="facts">{rows}</table>'


def _findings(findings: Sequence[Finding], looked_at: str) -> str:
    rows = ''.join(
        f'<tr><td>{escape(each.kind)}</td><td class="number">{each.count:,}</td>'
        f'<td>{_examples(each)}</td></tr>'
        for each in findings
    )
    table = (
        f'<table class="found"><thead><tr><th>what</th><th class="number">how many</th>'
        f'<th>such as</th></tr></thead><tbody>{rows}</tbody></table>'
        if findings
        else '<p class="sound">Nothing wrong was found.</p>'
    )
    return f'<h2>Health</h2><p class="note">{escape(looked_at)}</p>{table}'


def _examples(finding: Finding) -> str:
    return ''.join(f'<small>{escape(each)}</small>' for each in finding.examples)


def _bars(bars: Bars) -> str:
    longest = max(bars.counts.values(), default=0) or 1
    rows = ''.join(
        f'<tr><td>{escape(name)}</td>'
        f'<td><div class="bar" style="width: {100 * count / longest:.1f}%"></div></td>'
        f'<td class="number">{count:,}</td></tr>'
        for name, count in bars.counts.items()
    )
    return f'<div><h3>{escape(bars.title)}</h3><table>{rows}</table></div>'


def _cards(cards: Sequence[Card], how: str) -> str:
    groups = Counter(group for card in cards for group in card.groups)
    options = ''.join(
        f'<option value="{escape(name)}">{escape(name)} ({count})</option>'
        for name, count in sorted(groups.items())
    )
    return (
        f'<h2>Samples</h2><p class="note">{escape(how)}</p>'
        f'<p><label>Show <select id="group"><option value="">all ({len(cards)})</option>'
        f'{options}</select></label></p>{"".join(map(_card, cards))}'
    )


def _card(card: Card) -> str:
    groups = ', '.join(card.groups)
    problem = f'<p class="problem">{escape(card.problem)}</p>' if card.problem else ''
    return (
        f'<article class="card" data-groups="{escape(json.dumps(card.groups))}">'
        f'<h3>{escape(card.title)} <b>{escape(groups)}</b></h3>'
        f'<p>{escape("; ".join(card.facts))}</p>{problem}'
        f'<div class="pictures">{frame_strip(card.frames)}'
        f'<div class="figures">{"".join(map(_figure, card.figures))}</div></div></article>'
    )


def _figure(figure: Figure) -> str:
    caption = escape(figure.caption)
    return (
        f'<figure><img alt="{caption}" src="{image_source(figure.picture)}">'
        f'<figcaption>{caption}</figcaption></figure>'
    )
