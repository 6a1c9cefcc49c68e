# SPDX-License-Identifier: Apache-2.0
"""The hash of the code that graphs are made by changes with the code, and with nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from afformer_core.runtime.export.graphs_code import code_sha256

BLOCK = '''# SPDX-License-Identifier: Apache-2.0
"""A block."""

# The scale.
SCALE = 3


def scaled(x: int) -> int:
    """Scale a number."""
    total = 0
    for _ in range(SCALE):
        total += x
    return total
'''
FILES = (
    'models/decoders/block.py',
    'models/layers/block.py',
    'models/afformer.py',
    'runtime/export/export.py',
    'runtime/sessions/torch_session.py',
    'runtime/golden/golden_images.py',
    'runtime/golden/golden_outputs.py',
    'runtime/matching/matcher.py',
    'runtime/features.py',
    'runtime/networks.py',
)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for file in (*FILES, 'runtime/peaks.py'):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(BLOCK)
    return tmp_path


@pytest.mark.parametrize('file', FILES)
def test_a_change_of_any_module_that_makes_graphs(package: Path, file: str) -> None:
    before = code_sha256(package)
    (package / file).write_text(BLOCK.replace('SCALE = 3', 'SCALE = 4'))

    assert code_sha256(package) != before


@pytest.mark.parametrize(
    ('old', 'new'),
    [
        ('        total += x', '    total += x'),
        ('    return total', '    return total  # rounded'),
        ('SCALE = 3', 'SCALE = """\na block:\n"""\nSCALE = 3'),
    ],
)
def test_what_may_be_code_counts(package: Path, old: str, new: str) -> None:
    before = code_sha256(package)
    (package / FILES[0]).write_text(BLOCK.replace(old, new))

    assert code_sha256(package) != before


@pytest.mark.parametrize(
    ('old', 'new'),
    [
        ('"""A block."""', '"""A block.\n\nOf some layers.\n"""'),
        ('"""Scale a number."""', '"""Multiply a number.\n\n    By SCALE.\n    """'),
        ('# The scale.', '# The scale of all.'),
        ('\n\n\n', '\n\n'),
        ('    return total', '    return total   '),
    ],
)
def test_words_do_not_count(package: Path, old: str, new: str) -> None:
    before = code_sha256(package)
    text = BLOCK.replace(old, new)
    assert text != BLOCK
    (package / FILES[0]).write_text(text)

    assert code_sha256(package) == before


def test_other_modules_do_not_count(package: Path) -> None:
    before = code_sha256(package)
    (package / 'runtime/peaks.py').write_text('PEAKS = 5\n')

    assert code_sha256(package) == before


def test_a_module_that_is_new_or_renamed_counts(package: Path) -> None:
    before = code_sha256(package)
    (package / 'models/layers/block.py').rename(package / 'models/layers/other.py')
    renamed = code_sha256(package)
    (package / 'models/layers/empty.py').touch()

    assert len({before, renamed, code_sha256(package)}) == 3


def test_it_does_not_depend_on_where_the_package_lies(package: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(package, tmp_path / 'site-packages')

    assert code_sha256(Path(copy)) == code_sha256(package)
