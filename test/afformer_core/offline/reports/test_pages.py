# SPDX-License-Identifier: Apache-2.0
"""Pages made of templates that extend the base."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest
from markupsafe import Markup

from afformer_core.offline.reports.pages import jpeg_source, page_html, write_page

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
