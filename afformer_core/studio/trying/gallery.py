# SPDX-License-Identifier: Apache-2.0
"""The gallery of example pairs, one of which a click loads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path

from nicegui import ui

from afformer_core.example_pairs.download import download_pairs, downloaded_pairs
from afformer_core.example_pairs.pair_folder import ExamplePair, rendered_pairs
from afformer_core.media.video import VideoReader
from afformer_core.offline.evaluation.report.tiles import fit, image_source
from afformer_core.studio.messages import told_errors
from afformer_core.studio.timeline import attribute_text

_THUMBNAIL = 240


class Gallery:
    """The gallery.

    Args:
        load: called with the chosen pair.
    """

    def __init__(self, load: Callable[[ExamplePair], Awaitable[None]]) -> None:
        self._load = load
        with ui.column().classes('w-full gap-2'):
            ui.label('No files at hand? Click an example.').classes('text-base')
            self._row = ui.row().classes('w-full gap-3 items-start')
            self._fetch = ui.button('Download five real examples (20 MB)', icon='download')
            self._fetch.props('outline no-caps').on_click(self._download)
            ui.label(
                'They are taken from public repositories on GitHub, under the MIT licence.'
            ).classes('text-xs').bind_visibility_from(self._fetch)
        self._show()

    def _show(self) -> None:
        self._fetch.set_visibility(not downloaded_pairs())
        self._row.clear()
        with self._row, told_errors():
            for pair in (*downloaded_pairs(), *rendered_pairs()):
                self._card(pair)

    def _card(self, pair: ExamplePair) -> None:
        with ui.column().classes('w-36 gap-1 cursor-pointer example') as card:
            image = ui.image(_thumbnail(pair.video))
            image.classes('w-36 h-24 rounded').props('fit=cover no-spinner')
            ui.label(pair.title).classes('text-sm leading-tight')
        card.props(f'tabindex=0 role=button aria-label="Try: {attribute_text(pair.title)}"')
        card.on('click', lambda: self._load(pair))
        card.on('keydown.enter', lambda: self._load(pair))

    async def _download(self) -> None:
        self._fetch.props(add='loading')
        with told_errors():
            await asyncio.to_thread(download_pairs)
        self._fetch.props(remove='loading')
        self._show()


@cache
def _thumbnail(video: Path) -> str:
    """Return the middle frame of a video, in which the hand acts, as a source for a page."""
    with VideoReader(video) as reader:
        duration = reader.duration or 0.0
    clip = (duration / 2, duration) if duration else None
    with VideoReader(video, clip) as reader:
        return image_source(fit(next(iter(reader)).image, _THUMBNAIL))
