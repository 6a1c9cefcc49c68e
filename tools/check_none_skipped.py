# SPDX-License-Identifier: Apache-2.0
"""Check of a report of pytest: every test ran, and at least one did.

    python tools/check_none_skipped.py results/tests.xml

The command lists each skipped test with its reason, and fails if there is one. It also fails for a
report without tests.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from xml.etree import ElementTree


def skipped(path: str) -> list[str]:
    """Read the skipped tests of a JUnit report.

    Args:
        path: file that `pytest --junit-xml` wrote.

    Returns:
        a line for each skipped test: its name and the reason.

    Raises:
        ValueError: the report contains no test.
    """
    cases = list(ElementTree.parse(path).iter('testcase'))
    if not cases:
        raise ValueError(f'{path} contains no tests; expected at least one')
    found = []
    for case in cases:
        for mark in case.iter('skipped'):
            name = '.'.join(filter(None, (case.get('classname'), case.get('name'))))
            found.append(f'{name}: {mark.text or mark.get("message")}')
    return found


def main(words: Sequence[str]) -> None:
    """Fail if a test was skipped."""
    (path,) = words
    try:
        found = skipped(path)
    except (OSError, ValueError, ElementTree.ParseError) as error:
        sys.exit(f'error: {error}')
    if found:
        sys.exit('\n'.join(['error: these tests were skipped:', *found]))


if __name__ == '__main__':
    main(sys.argv[1:])
