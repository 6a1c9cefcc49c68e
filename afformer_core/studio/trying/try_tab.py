# SPDX-License-Identifier: Apache-2.0
"""A tab to try demonstrations on images."""

from __future__ import annotations

from nicegui import background_tasks, ui

from afformer_core.example_pairs.pair_folder import ExamplePair
from afformer_core.studio.messages import told_errors
from afformer_core.studio.trying.answer_panel import AnswerImage, AnswerPanel
from afformer_core.studio.trying.contact_picker import ContactQuestion
from afformer_core.studio.trying.demonstration_panel import DemonstrationPanel
from afformer_core.studio.trying.gallery import Gallery
from afformer_core.studio.trying.image_panel import ImagePanel
from afformer_core.studio.trying.workspace import Workspace

# Three columns; on a narrower screen the answer goes below the image. A phone has one column, in
# which the frames of the demonstrations come after the answer.
_GRID = 'w-full grid gap-4 items-start grid-cols-1'
_ANSWERED = 'md:grid-cols-[16rem_minmax(0,1fr)] lg:grid-cols-[20rem_minmax(0,1fr)_20rem]'
_EMPTY = 'md:grid-cols-2'
_BOTH_NEEDED = (
    'Give a video of somebody operating something, and an image of it: the answer appears here.'
)
_IMAGE_NEEDED = 'Now give an image of the same object: the answer appears here.'
_VIDEO_NEEDED = 'Now give a video of somebody operating this object: the answer appears here.'


class TryTab:
    """The tab: demonstrations on the left, the image in the middle, the answer on the right.

    Args:
        workspace: demonstrations and images of the page.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._request = 0
        self._loading = False
        with ui.element().classes(_GRID) as self._columns:
            with ui.column().classes('min-w-0 gap-2 max-md:contents md:row-span-2 lg:row-span-1'):
                self._demonstrations = DemonstrationPanel(workspace, self._ground_later)
            with ui.column().classes('min-w-0 gap-2'):
                self._images = ImagePanel(workspace, self._ground_later)
                self._sentence = ui.label().classes('text-xl sentence')
                self._question = ContactQuestion(self._demonstrations.mark)
                answer_image = AnswerImage()
            with ui.column().classes('min-w-0 gap-2 md:col-start-2 lg:col-start-3'):
                self._answer = AnswerPanel(answer_image, self._sentence)
        Gallery(self._load)
        self._show_nothing()

    def _ground_later(self) -> None:
        background_tasks.create(self._ground(), name='grounding')

    async def _ground(self) -> None:
        """Ground the chosen inputs, unless the choice changes before their turn."""
        self._request += 1
        request = self._request
        chosen, image = self._demonstrations.chosen, self._images.chosen
        if not chosen or image is None:
            self._show_nothing()
            return
        # A separate task has no slot in the page for messages.
        with self._columns, told_errors():
            answer = await self._workspace.ground(image, chosen)
            if request == self._request:
                self._columns.classes(_ANSWERED, remove=_EMPTY)
                self._answer.show(answer)
                self._question.ask(answer.asked)

    def _show_nothing(self) -> None:
        """Show what is still needed for an answer."""
        if self._loading:
            needed = 'Reading the example ...'
        elif self._demonstrations.chosen:
            needed = _IMAGE_NEEDED
        else:
            needed = _BOTH_NEEDED if self._images.chosen is None else _VIDEO_NEEDED
        self._columns.classes(_EMPTY, remove=_ANSWERED)
        self._answer.show(None, needed)
        self._question.ask(None)

    async def _load(self, pair: ExamplePair) -> None:
        self._loading = True
        # On a phone, the answer is not where the example was clicked.
        ui.run_javascript(
            f'getHtmlElement({self._sentence.id}).scrollIntoView({{block: "center"}})'
        )
        try:
            with told_errors():
                self._images.clear()
                self._demonstrations.clear()
                await self._images.add(pair.image, pair.image.name)
                await self._demonstrations.add(pair.video, pair.video.name)
        finally:
            self._loading = False
            if not self._demonstrations.chosen or self._images.chosen is None:
                self._show_nothing()
