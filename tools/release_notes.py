# SPDX-License-Identifier: Apache-2.0
"""The version of the package, and the section of the changelog that describes it."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def version() -> str:
    """Read the version without importing the package.

    Raises:
        ValueError: it is not there.
    """
    text = (ROOT / 'afformer_core' / '__init__.py').read_text()
    found = re.search(r"^__version__ = '(.+)'$", text, re.MULTILINE)
    if found is None:
        raise ValueError('afformer_core/__init__.py has no __version__')
    return found[1]


def release_notes(changelog: str, released: str) -> str:
    """Return the section of a version.

    Raises:
        ValueError: the changelog has none.
    """
    heading = rf'^## \[{re.escape(released)}\].*\n'
    found = re.search(rf'{heading}((?:(?!## \[).*\n?)*)', changelog, re.MULTILINE)
    if found is None:
        raise ValueError(
            f'CHANGELOG.md has no section {released}. Rename [Unreleased], and add a new one'
        )
    return found[1].strip() + '\n'


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--version', action='store_true', help='print only the version')
    if parser.parse_args().version:
        print(version())
    else:
        sys.stdout.write(release_notes((ROOT / 'CHANGELOG.md').read_text(), version()))
