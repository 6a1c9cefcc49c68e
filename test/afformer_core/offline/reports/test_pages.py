# SPDX-License-Identifier: Apache-2.0
"""Pages made of templates, tables as Markdown, and named numbers as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pytest
from markupsafe import Markup

from afformer_core.offline.reports.bootstrap import Estimate
from afformer_core.offline.reports.pages import jpeg_source, page_html, write_page
from afformer_core.offline.reports.tables import Table, cell_text, to_json

TEMPLATE = """{% extends 'base.html' %}
{% import 'macros.html' as page %}
{% block style %}.own { color: red; }{% endblock %}
{% block content %}{{ text }}|{{ chart }}|{{ page.facts({'a': 1}) }}{% endblock %}
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / 'page.html'
    path.write_text(TEMPLATE)
    return path


def test_texts_are_escaped_and_charts_are_not(template: Path) -> None:
    page = page_html(template, title='<a>', text='"b" & c', chart=Markup('<svg></svg>'))
    assert '<title>&lt;a&gt;</title>' in page
    assert '&#34;b&#34; &amp; c|<svg></svg>|' in page
    assert '<tr><td>a</td><td>1</td></tr>' in page


def test_the_style_of_all_pages_comes_before_that_of_the_page(template: Path) -> None:
    page = page_html(template, title='', text='', chart='')
    assert 0 < page.index('prefers-color-scheme: dark') < page.index('.own { color: red; }')


def test_a_value_that_is_missing_is_an_error(template: Path) -> None:
    with pytest.raises(jinja2.UndefinedError, match="'chart' is undefined"):
        page_html(template, title='', text='')


def test_a_text_that_is_none_is_written_all_the_same(template: Path, tmp_path: Path) -> None:
    write_page(tmp_path / 'out' / 'a.html', template, title='', text='\udcff', chart='')
    assert '?|' in (tmp_path / 'out' / 'a.html').read_text(encoding='utf-8')


def test_a_jpeg_lies_in_the_page() -> None:
    assert jpeg_source(b'\xff\xd8') == 'data:image/jpeg;base64,/9g='


def test_templates_are_installed(root: Path) -> None:
    folders = [path.parent for path in (root / 'afformer_core').rglob('templates')]
    packages = ['.'.join(folder.relative_to(root).parts) for folder in folders]
    declared = (root / 'pyproject.toml').read_text().partition('[tool.setuptools.package-data]')[2]
    assert packages
    assert [name for name in packages if f"'{name}' = ['templates/*']" not in declared] == []


TABLE = Table(
    'Accuracy',
    ('KLD', 'pairs'),
    {'model': [Estimate(0.5, 0.25, 1.0, 12), 12], 'baseline': [float('inf'), None]},
    ('lower is better',),
)


def test_markdown():
    assert TABLE.to_markdown().splitlines() == [
        '### Accuracy',
        '',
        '|          |                  KLD | pairs |',
        '|----------|---------------------:|------:|',
        '| model    | 0.500 [0.250, 1.000] |    12 |',
        '| baseline |                  inf |     - |',
        '',
        '- lower is better',
    ]


def test_json_is_strict_and_keyed_by_label_and_column():
    fields = json.loads(json.dumps(TABLE.to_json(), allow_nan=False))
    assert fields['rows']['model']['KLD'] == {
        'value': 0.5, 'low': 0.25, 'high': 1.0, 'count': 12, 'confidence': 0.95,
    }  # fmt: skip
    assert fields['rows']['baseline'] == {'KLD': 'inf', 'pairs': None}


def test_refuses_a_row_of_another_length():
    with pytest.raises(ValueError, match='shorter'):
        Table('Accuracy', ('KLD', 'SIM'), {'model': [1.0]}).to_json()


def test_a_table_of_named_numbers():
    rows = {'model': {'pairs': 12, 'kld': 0.5}, 'baseline': {'kld': 2.5}}
    table = Table.of('Accuracy', {'kld': 'KLD', 'pairs': 'pairs'}, rows, ['a note'])
    assert table.columns == ('KLD', 'pairs')
    assert table.rows == {'model': [0.5, 12], 'baseline': [2.5, None]}
    assert table.notes == ('a note',)
    assert table.to_json()['rows']['model'] == {'kld': 0.5, 'pairs': 12}


def test_a_column_that_no_row_has_is_refused():
    with pytest.raises(ValueError, match="no row of 'Accuracy' has klt"):
        Table.of('Accuracy', {'klt': 'KLD'}, {'model': {'kld': 0.5}})


@pytest.mark.parametrize(
    ('cell', 'text'),
    [
        (9.9996, '10.000'),
        (10.0, '10.0'),
        (-9.5, '-9.500'),
        (-12.34, '-12.3'),
        (7, '7'),
        (None, '-'),
    ],
)
def test_three_digits_below_ten_and_one_from_there(cell, text):
    assert cell_text(cell) == text


@pytest.mark.parametrize(
    ('number', 'text'), [(float('inf'), 'inf'), (-float('inf'), '-inf'), (float('nan'), 'nan')]
)
def test_what_json_lacks_is_text(number: float, text: str) -> None:
    assert to_json({'kld': number}) == {'kld': text}


@pytest.mark.parametrize('value', [np.float32(1), np.zeros(2), {1, 2}, 1j])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match='expected named numbers'):
        to_json({'a': value})
