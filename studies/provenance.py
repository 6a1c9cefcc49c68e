# SPDX-License-Identifier: Apache-2.0
"""Provenance of a result of a study: commit, date and machine."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from afformer_core.files import provenance as described


def provenance() -> dict[str, str]:
    """Return the commit, machine and date of a current computation, as text."""
    made = described.provenance()
    return {name: made[name] for name in ('commit', 'machine', 'date')}


def main() -> None:
    """Write the provenance as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('output', type=Path)
    output = parser.parse_args().output
    output.write_text(json.dumps(provenance(), indent=2) + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()
