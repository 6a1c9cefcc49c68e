# SPDX-License-Identifier: Apache-2.0
"""The view of the camera that a grounding node records."""

from __future__ import annotations

import asyncio
from typing import Any

from nicegui import ui

from afformer_core.errors import ImageError
from afformer_core.messages.image_decoding import to_rgb
from afformer_core.offline.evaluation.report.tiles import fit, image_source
from afformer_ros.studio.grounding_watch import GroundingWatch

_SIDE = 480


class CameraView:
    """The view.

    Args:
        watch: observed state of the node.
    """

    def __init__(self, watch: GroundingWatch) -> None:
        self._watch = watch
        self._image: Any = None
        self._text = ui.label().classes('text-sm camera-text')
        with ui.element().classes('relative w-full') as self._frame:
            self._camera = ui.interactive_image().classes('w-full camera')
            self._countdown = ui.label().classes('absolute-center text-white countdown')
            self._countdown.style('font-size: 6rem; text-shadow: 0 0 8px black')

    def count(self, left: int) -> None:
        """Show the seconds until a recording begins over the image; nothing at 0."""
        self._countdown.text = str(left) if left else ''

    async def refresh(self) -> None:
        """Show the last image."""
        image = self._watch.camera_image
        if image is not self._image:
            self._image = image
            self._camera.set_source(await asyncio.to_thread(_encoded, image))
        shown = self._image is not None
        self._frame.set_visibility(shown)
        self._text.text = '' if shown else 'No image on the topic demonstration yet.'
        self._text.set_visibility(not shown)


def _encoded(message: Any) -> str:
    try:
        image = to_rgb(message) if message is not None else None
    except ImageError:
        # The node reports it.
        image = None
    if image is None:
        return ''
    return image_source(fit(image, _SIDE) if max(image.shape) > _SIDE else image)
