# SPDX-License-Identifier: Apache-2.0
"""The check and the export of a whole folder of own pairs."""

from __future__ import annotations

import asyncio
from pathlib import Path

from nicegui import ui

from afformer_core.data.health import Health, dataset_health
from afformer_core.data.readers.folder_pairs import FolderPairsDataset
from afformer_core.data.readers.opra_json import opra_archive
from afformer_core.studio.messages import told_errors


class FolderPanel:
    """A button that checks the folder, like `afformer verify`, and a button that exports it.

    Args:
        folder: the folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with ui.row().classes('gap-2'):
            ui.button('Check', icon='fact_check', on_click=self._check).props('outline dense')
            ui.button('OPRA JSON', icon='download', on_click=self._export).props('outline dense')
        with ui.dialog() as self._dialog, ui.card():
            self._title = ui.label().classes('text-lg font-bold')
            self._text = ui.label().classes('whitespace-pre-wrap break-words health')
            ui.button('Close', on_click=self._dialog.close).props('outline dense')

    async def _check(self) -> None:
        with told_errors():
            health = await asyncio.to_thread(_read_health, self._folder)
            self._title.text = (
                'Nothing is missing or broken' if health.sound else 'Something is to be mended'
            )
            self._text.text = health.text
            self._dialog.open()

    async def _export(self) -> None:
        with told_errors():
            content = await asyncio.to_thread(_read_archive, self._folder)
            ui.download.content(content, f'{self._folder.resolve().name}_opra.zip')


def _read_health(folder: Path) -> Health:
    return dataset_health(FolderPairsDataset(folder), progress=False)


def _read_archive(folder: Path) -> bytes:
    return opra_archive(FolderPairsDataset(folder))
