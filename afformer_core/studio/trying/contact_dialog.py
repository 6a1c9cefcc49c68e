# SPDX-License-Identifier: Apache-2.0
"""A dialog to mark what a demonstration operates in its first frame."""

from __future__ import annotations

import numpy as np
from nicegui import events, ui
from nicegui.elements.dialog import Dialog
from numpy.typing import NDArray

from afformer_core.evaluation.report.contact_sheets import image_source
from afformer_core.media.polygons import Point

_LARGE = 'w-[720px] max-w-full marked-contact'


async def ask_contact(frame: NDArray[np.uint8], marked: Point | None) -> Point | None:
    """Let a click mark the contact, and return it as shares of width and height, 0 to 1.

    Args:
        frame: first frame of the demonstration, uint8 RGB [H, W, 3].
        marked: contact that is marked so far.

    Returns:
        the contact; `marked` if the dialog is left without a click.
    """
    height, width = frame.shape[:2]

    def click(event: events.MouseEventArguments) -> None:
        shares = event.image_x / width, event.image_y / height
        dialog.submit(tuple(min(max(share, 0.0), 1.0) for share in shares))

    dialog: Dialog = ui.dialog()
    with dialog, ui.card().classes('max-w-none'):
        ui.label(
            'Click what is operated. Choose a part of the video in whose first frame it is bare.'
        )
        image = ui.interactive_image(image_source(frame), on_mouse=click, cross=True)
        image.classes(_LARGE).content = _circles(marked, width, height)
        ui.button('Cancel', on_click=lambda: dialog.submit(None)).props('flat no-caps')
    chosen = await dialog
    dialog.delete()
    return chosen if isinstance(chosen, tuple) else marked


def _circles(marked: Point | None, width: int, height: int) -> str:
    if marked is None:
        return ''
    at = f'cx="{marked[0] * width:.2f}" cy="{marked[1] * height:.2f}"'
    return ''.join(
        f'<circle {at} r="5" fill="none" stroke="{colour}" stroke-width="{thickness}" />'
        for colour, thickness in (('black', 4), ('white', 2))
    )
