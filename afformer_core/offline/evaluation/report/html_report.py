# SPDX-License-Identifier: Apache-2.0
"""HTML report of an evaluation, in a single file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from afformer_core.offline.evaluation.report.examples import LEGEND
from afformer_core.offline.evaluation.report.report import EvaluationReport, fact_text
from afformer_core.offline.evaluation.report.tiles import RgbImage, image_source
from afformer_core.offline.reports.pages import write_page
from afformer_core.offline.reports.tables import cell_text

_TEMPLATE = Path(__file__).with_name('templates') / 'evaluation.html'
# Labels of the main rows of tables.
_EMPHASIZED = ('model', 'all')


def write_report(path: Path, report: EvaluationReport, examples: Mapping[str, RgbImage]) -> None:
    """Write the page atomically.

    Args:
        path: path of the file.
        report: facts, measures and tables.
        examples: images to show, by caption (see `draw_examples`).
    """
    model = Path(str(report.facts.get('model', 'a model'))).name
    what = report.facts.get('models') or model
    write_page(
        path,
        _TEMPLATE,
        title=f'Evaluation of {what}',
        facts={name: fact_text(value) for name, value in report.facts.items()},
        tables=report.tables,
        emphasized=_EMPHASIZED,
        examples=examples,
        legend=LEGEND,
        cell_text=cell_text,
        image_source=image_source,
    )
