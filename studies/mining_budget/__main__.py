# SPDX-License-Identifier: Apache-2.0
"""The budget of mining many hours of video and of training on them, from rates and prices.

Copy `studies/mining_budget/budget.yaml`, enter your own numbers, and print the tables::

    python -m studies.mining_budget my_budget.yaml

Without a file, the command prints the tables of `docs/research/ten_thousand_hours.md`; `--page`
writes them into that page.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from afformer_core.files.atomic import write_aside
from studies.mining_budget.settings import read_budget
from studies.mining_budget.tables import budget_text

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = Path(__file__).with_name('budget.yaml')
PAGE = ROOT / 'docs' / 'research' / 'ten_thousand_hours.md'

_BEGIN, _END = '<!-- budget -->', '<!-- end of budget -->'


def with_budget(page: str, tables: str) -> str:
    """Replace the tables between their marks in a page.

    Raises:
        ValueError: the page does not have the marks once.
    """
    parts = re.split(f'({re.escape(_BEGIN)}|{re.escape(_END)})', page)
    if parts[1::2] != [_BEGIN, _END]:
        raise ValueError(f'the page has the marks {parts[1::2]}; expected {_BEGIN} and {_END}')
    return f'{parts[0]}{_BEGIN}\n{tables}{_END}{parts[4]}'


def main(words: Iterable[str] | None = None) -> int:
    """Print the tables, or write them into the page."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument('settings', type=Path, nargs='?', default=SETTINGS)
    parser.add_argument('--page', action='store_true', help='write them into the documentation')
    arguments = parser.parse_args(None if words is None else list(words))
    text = budget_text(read_budget(arguments.settings))
    if not arguments.page:
        print(text, end='')
        return 0
    write_aside(PAGE, with_budget(PAGE.read_text(encoding='utf-8'), text).encode())
    return 0


if __name__ == '__main__':
    sys.exit(main())
