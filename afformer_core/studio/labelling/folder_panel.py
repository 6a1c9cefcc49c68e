# SPDX-License-Identifier: Apache-2.0
"""The check of a whole folder of own pairs."""

from __future__ import annotations

import asyncio
from pathlib import Path

from nicegui import ui

from afformer_core.data.annotations import open_annotations
from afformer_core.data.health import Health, dataset_health
from afformer_core.studio.labelling.point_labels import PointLabels
from afformer_core.studio.messages import told_errors


class FolderPanel:
    """A button that checks the folder, like `afformer verify`.

    Args:
        labels: tables of the folder.
    """

    def __init__(self, labels: PointLabels) -> None:
        self._labels = labels
        ui.button('Check', icon='fact_check', on_click=self._check).props('outline dense')
        with ui.dialog() as self._dialog, ui.card():
            self._title = ui.label().classes('text-lg font-bold')
            self._text = ui.label().classes('whitespace-pre-wrap break-words health')
            ui.button('Close', on_click=self._dialog.close).props('outline dense')

    async def _check(self) -> None:
        with told_errors():
            if not any(self._labels.rows(pair) for pair in self._labels.pairs):
                raise ValueError('no point is marked yet. Mark some, and check again')
            health = await asyncio.to_thread(_read_health, self._labels.folder)
            self._title.text = (
                'No file is missing or broken'
                if health.sound
                else 'Some files are missing or broken'
            )
            self._text.text = health.text
            self._dialog.open()


def _read_health(folder: Path) -> Health:
    return dataset_health(open_annotations(folder), progress=False)
