# SPDX-License-Identifier: Apache-2.0
"""The tables of the pages on the node say what the code says."""

import pytest

from tools import documentation_tables


@pytest.mark.parametrize('name', ['topics.md', 'parameters.md'])
def test_the_pages_are_up_to_date(root, name):
    page = root / 'docs' / 'reference' / name
    text = page.read_text()
    written = documentation_tables.with_tables(text, documentation_tables.PAGES[page])
    assert written == text, 'run: python tools/documentation_tables.py'


def test_a_page_without_the_marks_is_refused():
    with pytest.raises(ValueError, match='topics'):
        documentation_tables.with_tables('# no marks', {'topics': documentation_tables.topics})
