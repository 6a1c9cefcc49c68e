# SPDX-License-Identifier: Apache-2.0
"""Provenance of a result: commit, date and machine."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
from datetime import datetime, timezone
from pathlib import Path


def provenance() -> dict[str, str]:
    """Return the commit, machine and date of a current computation, as text.

    The commit ends in `+` if tracked files differ from it, and is `unknown` outside a clone.
    """
    return {
        'commit': _commit(),
        'machine': f'{_processor()}, {os.cpu_count()} cores',
        'date': datetime.now(timezone.utc).strftime('%Y-%m-%d'),
    }


def _commit() -> str:
    described = _git('rev-parse', '--short=12', 'HEAD')
    if described is None:
        return 'unknown'
    changed = _git('status', '--porcelain', '--untracked-files=no')
    return f'{described}+' if changed else described


def _git(*words: str) -> str | None:
    ended = subprocess.run(
        ['git', *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
    )
    return ended.stdout.strip() if ended.returncode == 0 else None


def _processor() -> str:
    facts = Path('/proc/cpuinfo')
    if facts.is_file():
        for line in facts.read_text(encoding='utf-8').splitlines():
            name, _, value = line.partition(':')
            if name.strip() == 'model name':
                return value.strip()
    return platform.processor() or platform.machine()


def main() -> None:
    """Write the provenance as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('output', type=Path)
    output = parser.parse_args().output
    output.write_text(json.dumps(provenance(), indent=2) + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()
