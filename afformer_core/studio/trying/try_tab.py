# SPDX-License-Identifier: Apache-2.0
"""A tab to try demonstrations on images."""

from __future__ import annotations

import asyncio
from pathlib import Path

from nicegui import background_tasks, ui

from afformer_core.studio.messages import told_errors
from afformer_core.studio.trying.answer_panel import AnswerImage, AnswerPanel
from afformer_core.studio.trying.demonstration_panel import DemonstrationPanel
from afformer_core.studio.trying.examples import (
    ExampleScene,
    example_scenes,
    examples_are_offered,
)
from afformer_core.studio.trying.image_panel import ImagePanel
from afformer_core.studio.trying.workspace import Workspace

# Three columns; on a narrow screen the answer goes below the image.
_GRID = (
    'w-full grid gap-4 items-start grid-cols-[16rem_minmax(0,1fr)] '
    'lg:grid-cols-[20rem_minmax(0,1fr)_20rem]'
)
_NEEDED = 'Give a demonstration and an image: the answer appears automatically.'


class TryTab:
    """The tab: demonstrations on the left, the image in the middle, the answer on the right.

    Args:
        workspace: demonstrations and images of the page.
        folders: resolved folders that may be read.
    """

    def __init__(self, workspace: Workspace, folders: tuple[Path, ...]) -> None:
        self._workspace = workspace
        self._request = 0
        with ui.element().classes(_GRID) as self._columns:
            with ui.column().classes('gap-2 row-span-2 lg:row-span-1'):
                self._demonstrations = DemonstrationPanel(workspace, folders, self._ground_later)
            with ui.column().classes('min-w-0 gap-2'):
                self._images = ImagePanel(workspace, folders, self._ground_later)
                answer_image = AnswerImage()
            with ui.column().classes('gap-2 col-start-2 lg:col-start-3'):
                self._answer = AnswerPanel(answer_image)
                if examples_are_offered():
                    self._examples()
        self._answer.show(None, _NEEDED)

    def _ground_later(self) -> None:
        background_tasks.create(self._ground(), name='grounding')

    async def _ground(self) -> None:
        """Ground the chosen inputs, unless the choice changes before their turn."""
        self._request += 1
        request = self._request
        chosen, image = self._demonstrations.chosen, self._images.chosen
        if not chosen or image is None:
            self._answer.show(None, _NEEDED)
            return
        # A separate task has no slot in the page for messages.
        with self._columns, told_errors():
            answer = await self._workspace.ground(image, chosen)
            if request == self._request:
                self._answer.show(answer)

    def _examples(self) -> None:
        with ui.expansion('Examples that need no files', icon='auto_awesome').classes('w-full'):
            ui.label('Three rendered scenes. They are rendered once, which takes a minute.')
            lines = ui.column().classes('gap-1')

            async def fetch() -> None:
                button.props(add='loading')
                with told_errors():
                    scenes = await asyncio.to_thread(example_scenes)
                    button.delete()
                    with lines:
                        for scene in scenes:
                            self._example(scene)
                    return
                button.props(remove='loading')

            button = ui.button('Show them', on_click=fetch).props('outline dense')

    def _example(self, scene: ExampleScene) -> None:
        async def load() -> None:
            with told_errors():
                self._images.clear()
                self._demonstrations.clear()
                await self._images.add(scene.image, scene.image.name)
                await self._demonstrations.add(scene.video, scene.video.name)

        ui.button(scene.title, on_click=load).props('flat dense no-caps align=left')
