# SPDX-License-Identifier: Apache-2.0
"""A dialog to mark the contact in the first frame of a demonstration."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from nicegui import ui
from nicegui.elements.dialog import Dialog
from numpy.typing import NDArray

from afformer_core.media.polygons import Point
from afformer_core.studio.trying.contact_image import contact_image

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
    dialog: Dialog = ui.dialog()
    with dialog, ui.card().classes('max-w-none'):
        ui.label(
            'Click the operated part. If a hand covers it in this frame, choose another part of '
            'the video first.'
        )
        contact_image(frame, marked, likeliest, dialog.submit).classes(_LARGE)
        if likeliest:
            ui.label('The numbers show the most likely parts. Tap one, or click elsewhere.')
        ui.button('Cancel', on_click=lambda: dialog.submit(None)).props('flat no-caps')
    chosen = await dialog
    dialog.delete()
    return chosen if isinstance(chosen, tuple) else marked
