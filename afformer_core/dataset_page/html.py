# SPDX-License-Identifier: Apache-2.0
"""The HTML of a dataset page, a single file that needs no server."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from afformer_core.dataset_page.page import DatasetPage
from afformer_core.evaluation.report.tiles import image_source
from afformer_core.reports.pages import write_page

_TEMPLATE = Path(__file__).with_name('templates') / 'dataset.html'


def write_dataset_page(path: Path, page: DatasetPage) -> None:
    """Write a page atomically.

    Args:
        path: path of the file.
        page: content of the page.
    """
    groups = Counter(group for card in page.cards for group in card.groups)
    write_page(
        path,
        _TEMPLATE,
        title=page.title,
        dataset=page,
        headline=[(f'{number:,}', name) for name, number in page.headline.items()],
        groups=sorted(groups.items()),
        image_source=image_source,
    )
