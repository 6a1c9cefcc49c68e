# SPDX-License-Identifier: Apache-2.0
"""The tables of the README say what the code says."""

import importlib.util

import pytest


@pytest.fixture
def readme_tables(root):
    specification = importlib.util.spec_from_file_location(
        'readme_tables', root / 'tools' / 'readme_tables.py'
    )
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_readme_is_up_to_date(root, readme_tables):
    text = (root / 'README.md').read_text()
    assert readme_tables.with_tables(text) == text, 'run: python tools/readme_tables.py'


def test_every_parameter_stands_in_its_table(readme_tables):
    assert '| `maximum_peaks` | `5` | 1 to 100 | at any time |' in readme_tables.parameters()
    row = '| `image_qos` | `AUTO` | `image_qos_depth` | `5` |'
    assert row in readme_tables.qualities()


def test_a_readme_without_the_marks_is_refused(readme_tables):
    with pytest.raises(ValueError, match='topics'):
        readme_tables.with_tables('# no marks')
