# SPDX-License-Identifier: Apache-2.0
"""Reliability diagram of certainty, from the JSON of an evaluation on pairs.

afformer evaluate --pairs FOLDER ... --json build/pairs.json
python -m tools.reliability_diagram build/pairs.json docs/images/certainty.svg
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from afformer_core.files.atomic import write_aside

_STYLE: Any = {'svg.hashsalt': 'afformer', 'svg.fonttype': 'none', 'font.size': 10}


def main(words: Sequence[str] | None = None) -> None:
    """Draw the diagram of the first model."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument('evaluation', type=Path, help='JSON of `afformer evaluate --pairs`')
    parser.add_argument('output', type=Path, help='SVG file to write')
    arguments = parser.parse_args(words)
    measures = json.loads(arguments.evaluation.read_text(encoding='utf-8'))['measures']
    groups = next(iter(measures['certainty'].values()))
    write_aside(arguments.output, draw(list(groups.values())))


def draw(groups: Sequence[Mapping[str, Any]]) -> bytes:
    """Draw the share of right points over certainty, with intervals, as SVG.

    Args:
        groups: `pairs`, `said` and `right` of each group of pairs, as in the JSON.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    said = [float(group['said']) for group in groups]
    right = [float(group['right']['value']) for group in groups]
    below = [float(group['right']['value'] - group['right']['low']) for group in groups]
    above = [float(group['right']['high'] - group['right']['value']) for group in groups]
    file = io.BytesIO()
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(4.6, 4.0), layout='constrained')
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color='0.6', linestyle='--', linewidth=1)
        axes.errorbar(said, right, yerr=[below, above], fmt='o', color='#1976d2', capsize=3)
        for x, y, down, group in zip(said, right, below, groups, strict=True):
            at = (x, y - down)
            axes.annotate(
                str(group['pairs']), at, (0, -12), textcoords='offset points', ha='center'
            )
        axes.set(
            xlim=(0, 1), ylim=(-0.05, 1.02), xlabel='mean certainty of the group (numbers: pairs)',
            ylabel='share of best points inside the part',
        )  # fmt: skip
        figure.savefig(file, format='svg', metadata={'Date': None})
    return file.getvalue()


if __name__ == '__main__':
    main()
