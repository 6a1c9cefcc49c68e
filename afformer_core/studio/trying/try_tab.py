# SPDX-License-Identifier: Apache-2.0
"""A tab to try demonstrations on images."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path

from nicegui import background_tasks, ui

from afformer_core.example_pairs.pair_folder import ExamplePair, real_pairs, rendered_pairs
from afformer_core.media.video import VideoReader
from afformer_core.offline.evaluation.report.tiles import fit, image_source
from afformer_core.studio.limits import LimitedImage
from afformer_core.studio.messages import told_errors
from afformer_core.studio.timeline import attribute_text
from afformer_core.studio.trying.answer_panel import AnswerImage, AnswerPanel
from afformer_core.studio.trying.contact_picker import ContactQuestion
from afformer_core.studio.trying.demonstration_panel import DemonstrationPanel
from afformer_core.studio.trying.workspace import Workspace
from afformer_core.studio.uploads import build_upload_field

# Three columns; on a narrower screen the answer goes below the image. A phone has one column, in
# which the frames of the demonstrations follow the image, so that one screen shows both.
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
                self._sentence = ui.label().classes('text-xl sentence scroll-mt-16')
                self._sentence.classes('max-md:scroll-mb-[80vh]')
                self._question = ContactQuestion(self._demonstrations.mark)
                answer_image = AnswerImage()
            with ui.column().classes('min-w-0 gap-2 max-md:order-2 md:col-start-2 lg:col-start-3'):
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
                self._scroll_to_answer()

    def _scroll_to_answer(self) -> None:
        self._sentence.run_method('scrollIntoView', {'block': 'nearest'})

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
        self._scroll_to_answer()
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
            row = ui.row().classes('w-full gap-3 items-start')
        with row, told_errors():
            for pair in (*real_pairs(), *rendered_pairs()):
                self._card(pair)

    def _card(self, pair: ExamplePair) -> None:
        with ui.column().classes('w-36 gap-1 cursor-pointer example') as card:
            image = ui.image(_thumbnail(pair.video))
            image.classes('w-36 h-24 rounded').props('fit=cover no-spinner')
            ui.label(pair.title).classes('text-sm leading-tight')
        card.props(f'tabindex=0 role=button aria-label="Try: {attribute_text(pair.title)}"')
        card.on('click', lambda: self._load(pair))
        card.on('keydown.enter', lambda: self._load(pair))


@cache
def _thumbnail(video: Path) -> str:
    """Return the middle frame of a video, in which the hand acts, as a source for a page."""
    with VideoReader(video) as reader:
        duration = reader.duration or 0.0
    clip = (duration / 2, duration) if duration else None
    with VideoReader(video, clip) as reader:
        return image_source(fit(next(iter(reader)).image, _THUMBNAIL))


_IMAGE_SIDE = 160


class ImagePanel:
    """The panel.

    Args:
        workspace: images of the page.
        changed: called when another image is chosen.

    Attributes:
        chosen: the image for grounding; None before the first one.
    """

    def __init__(self, workspace: Workspace, changed: Callable[[], None]) -> None:
        self._workspace = workspace
        self._changed = changed
        self.chosen: LimitedImage | None = None
        ui.label('Images').classes('text-lg font-bold')
        build_upload_field(
            'Drop images here, or tap to choose',
            'image/*',
            self.add,
            workspace.limits,
            workspace.uploads,
            video=False,
        )
        self._thumbnails = ui.row().classes('w-full gap-2')

    async def add(self, path: Path, name: str) -> None:
        """Read an image and choose it; see `Workspace.add_image`."""
        self.chosen = await self._workspace.add_image(path, name)
        self._workspace.uploads.drop(path)
        self._show()

    def clear(self) -> None:
        """Remove all images."""
        self._workspace.images.clear()
        self.chosen = None
        self._show()

    def _show(self) -> None:
        self._thumbnails.clear()
        with self._thumbnails:
            for shown in self._workspace.images:
                self._thumbnail(shown)
        self._changed()

    def _thumbnail(self, shown: LimitedImage) -> None:
        border = 'border-2 border-primary' if shown is self.chosen else 'opacity-70'
        with ui.column().classes('gap-0 w-24 items-center'):
            image = ui.image(image_source(fit(shown.image, _IMAGE_SIDE)))
            image.classes(f'w-24 cursor-pointer {border}').on('click', lambda: self._choose(shown))
            name = attribute_text(shown.name)
            image.props(f'tabindex=0 role=button aria-label="Ground in {name}"')
            image.on('keydown.enter', lambda: self._choose(shown))
            with ui.row().classes('no-wrap items-center gap-0 w-full'):
                ui.label(shown.name).classes('text-xs [overflow-wrap:anywhere] grow')
                ui.button(icon='delete', on_click=lambda: self._remove(shown)).props(
                    'flat dense size=sm aria-label="Remove the image"'
                )

    def _choose(self, shown: LimitedImage) -> None:
        self.chosen = shown
        self._show()

    def _remove(self, shown: LimitedImage) -> None:
        images = self._workspace.images
        images[:] = [image for image in images if image is not shown]
        if self.chosen is shown:
            self.chosen = images[-1] if images else None
        self._show()
