# SPDX-License-Identifier: Apache-2.0
"""The chart of a table: the KLD of each row over seeds, and that of the paper.

From the root of the project::

    python -m studies.chart studies/results/table_4b.csv docs/images/studies/table_4b.svg
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from studies.intervals import seed_means
from studies.results import StudyResult, read_results, row_labels

_OURS, _PAPERS, _BASELINE = '#1f6f8b', '#c05621', '#777777'
_ROW_HEIGHT, _WIDTH = 0.42, 9.0


def draw(results: Sequence[StudyResult]) -> Figure:
    """Draw the rows of a table from top to bottom, with lower KLD on the left.

    A line shows the best of the baselines that ignore the image.

    Args:
        results: results of one table.
    """
    trained = [result for result in results if result.seed is not None]
    labels = row_labels(trained)
    figure = Figure(figsize=(_WIDTH, 1.3 + _ROW_HEIGHT * len(labels)), layout='constrained')
    ours, papers = figure.subplots(1, 2, sharey=True, width_ratios=(2, 1))
    _draw_ours(ours, trained, labels)
    if baselines := [result for result in results if result.seed is None]:
        _draw_baseline(ours, min(baselines, key=lambda result: result.kld))
    published = {result.row: result.paper_kld for result in trained}
    for height, label in enumerate(labels):
        if (value := published[label]) is not None:
            papers.plot(value, height, 'D', color=_PAPERS)
    ours.set_yticks(range(len(labels)), labels)
    ours.invert_yaxis()
    ours.set_xlabel('KLD on simulated elements, 95 % interval over seeds')
    papers.set_xlabel("KLD in the paper's table")
    for axes in (ours, papers):
        axes.grid(axis='x', alpha=0.3)
        axes.margins(x=0.08)
        axes.spines[['top', 'right']].set_visible(False)
    return figure


def _draw_ours(axes: Any, trained: Sequence[StudyResult], labels: Sequence[str]) -> None:
    means = seed_means(trained, 'kld')
    for height, label in enumerate(labels):
        mean = means[label]
        assert mean is not None
        axes.plot([mean.low, mean.high], [height, height], color=_OURS, linewidth=2)
        axes.plot(mean.value, height, 'o', color=_OURS)
        klds = [result.kld for result in trained if result.row == label]
        axes.plot(klds, [height] * len(klds), '|', color=_OURS, markersize=9)


def _draw_baseline(axes: Any, best: StudyResult) -> None:
    axes.axvline(best.kld, color=_BASELINE, linestyle='--', linewidth=1)
    axes.annotate(
        best.row,
        (best.kld, 1.0),
        xycoords=('data', 'axes fraction'),
        xytext=(-3, -4),
        textcoords='offset points',
        rotation=90,
        ha='right',
        va='top',
        fontsize=7,
        color=_BASELINE,
    )


def write(results: Sequence[StudyResult], path: Path) -> None:
    """Write the chart as SVG, the same bytes for the same results."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context({'svg.hashsalt': 'studies', 'svg.fonttype': 'none'}):
        draw(results).savefig(path, format='svg', metadata={'Date': None})


def main() -> None:
    """Draw one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('results', type=Path, help='CSV of the table')
    parser.add_argument('chart', type=Path, help='SVG to write')
    arguments = parser.parse_args()
    write(read_results(arguments.results), arguments.chart)


if __name__ == '__main__':
    main()
