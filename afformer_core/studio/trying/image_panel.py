# SPDX-License-Identifier: Apache-2.0
"""The panel of the images of a page, one of which is used for grounding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nicegui import ui

from afformer_core.offline.evaluation.report.tiles import fit, image_source
from afformer_core.studio.limits import LimitedImage
from afformer_core.studio.timeline import attribute_text
from afformer_core.studio.trying.workspace import Workspace
from afformer_core.studio.uploads import build_upload_field

_THUMBNAIL = 160


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
            image = ui.image(image_source(fit(shown.image, _THUMBNAIL)))
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
