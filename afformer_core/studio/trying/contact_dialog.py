# SPDX-License-Identifier: Apache-2.0
"""A dialog to mark the contact in the first frame of a demonstration."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from nicegui import events, ui
from nicegui.elements.dialog import Dialog
from numpy.typing import NDArray

from afformer_core.evaluation.report.contact_sheets import image_source
from afformer_core.media.polygons import Point
from afformer_core.studio.labelling.marks import circles, diamonds

# Size of the displayed frame, pixels.
_RADIUS = 5.0
_LARGE = 'w-[720px] max-w-full marked-contact'


async def ask_contact(
    frame: NDArray[np.uint8], marked: Point | None, likeliest: Sequence[Point]
) -> Point | None:
    """Ask for a click at the contact, and return it as shares of width and height, 0 to 1.

    Args:
        frame: first frame of the demonstration, uint8 RGB [H, W, 3].
        marked: currently marked contact.
        likeliest: the most probable contacts, as shares, best first, which are drawn.

    Returns:
        the contact; `marked` if the dialog is closed without a click.
    """
    height, width = frame.shape[:2]

    def click(event: events.MouseEventArguments) -> None:
        shares = event.image_x / width, event.image_y / height
        dialog.submit(tuple(min(max(share, 0.0), 1.0) for share in shares))

    dialog: Dialog = ui.dialog()
    with dialog, ui.card().classes('max-w-none'):
        ui.label(
            'Click the operated part. If a hand covers it in this frame, choose another part of '
            'the video first.'
        )
        # The drawing contains only numbers.
        image = ui.interactive_image(
            image_source(frame), on_mouse=click, cross=True, sanitize=False
        )
        image.classes(_LARGE)
        image.content = diamonds([(x * width, y * height) for x, y in likeliest], _RADIUS)
        if likeliest:
            ui.label('The diamonds show the most likely contacts, in order of probability.')
        if marked is not None:
            image.content += circles([(marked[0] * width, marked[1] * height)], _RADIUS)
        ui.button('Cancel', on_click=lambda: dialog.submit(None)).props('flat no-caps')
    chosen = await dialog
    dialog.delete()
    return chosen if isinstance(chosen, tuple) else marked
