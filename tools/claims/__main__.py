# SPDX-License-Identifier: Apache-2.0
"""Comparison of all claims, which recomputes the results whose data is on this machine.

REAL_PAIRS=folder SIMULATED=build/simulated SIMULATOR=1 python -m tools.claims

Times differ between machines and are not recomputed. To replace a stored result by the report of
a command, such as that of `afformer bench --json`:

python -m tools.claims --keep speed bench.json
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.claims.claims import (
    RESULTS,
    Claim,
    ResultRecipe,
    claimed_part,
    differences_from_recomputed,
    differences_from_stored,
    read_claims,
    stored_results,
)

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Print the claims that differ; return 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--store', action='store_true', help='replace the stored results with recomputed ones'
    )
    parser.add_argument(
        '--keep',
        nargs=2,
        metavar=('NAME', 'FILE'),
        help='replace the stored result of a name with the claimed numbers of a JSON report',
    )
    arguments = parser.parse_args()
    claims, recipes = read_claims()
    if arguments.keep:
        name, file = arguments.keep
        store(name, json.loads(Path(file).read_text('utf-8')), claims)
    wrong: list[str] = []
    for name, recipe in recipes.items():
        result = recompute(name, recipe)
        if result is None:
            needed = ' to the folder of its data' if recipe.reads_data else '=1'
            print(f'{name}: not recomputed; set {recipe.data}{needed}')
            continue
        wrong += differences_from_recomputed(ROOT, claims, name, result)
        print(f'{name}: recomputed')
        if arguments.store:
            store(name, result, claims)
    stored = stored_results()
    wrong += differences_from_stored(ROOT, claims, stored)
    print(f'{len(claims)} claims, {len(wrong)} differences')
    for difference in wrong:
        print(difference, file=sys.stderr)
    return 1 if wrong else 0


def store(name: str, result: Mapping[str, Any], claims: Sequence[Claim]) -> None:
    """Store the claimed numbers of a result."""
    numbers = [claim.number for claim in claims if claim.result == name]
    text = json.dumps(claimed_part(result, numbers), indent=1)
    (RESULTS / f'{name}.json').write_text(text + '\n')


def recompute(name: str, recipe: ResultRecipe) -> Any:
    """Run the command of a result; None if its data is not here."""
    data = os.environ.get(recipe.data, '')
    if not data or (recipe.reads_data and not Path(data).exists()):
        return None
    output = ROOT / 'build' / 'claims' / f'{name}.json'
    output.parent.mkdir(parents=True, exist_ok=True)
    words = [word.format(data=data, output=output) for word in recipe.command]
    subprocess.run(words, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return json.loads(output.read_text('utf-8'))


if __name__ == '__main__':
    sys.exit(main())
