# SPDX-License-Identifier: Apache-2.0
"""The first frame of a demonstration, in which a click marks the operated part."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import events, ui
from nicegui.elements.dialog import Dialog

from afformer_core.demonstrations.media import tapped
from afformer_core.media.polygons import Point
from afformer_core.offline.evaluation.report.tiles import image_source
from afformer_core.studio.labelling.marks import circles, diamonds
from afformer_core.studio.trying.workspace import ShownDemonstration

# Size of the displayed marks, pixels of the frame.
_RADIUS = 5.0
_LARGE = 'w-[720px] max-w-full marked-contact'


def contact_picker(
    shown: ShownDemonstration, clicked: Callable[[Point], Any]
) -> ui.interactive_image:
    """Build the image, with the marked contact and the most probable ones.

    Args:
        shown: the demonstration.
        clicked: called with the contact that is clicked, as shares of width and height, 0 to 1;
            may be a coroutine function.
    """
    frame = shown.timeline[0].image
    height, width = frame.shape[:2]
    candidates = [(x * width, y * height) for x, y in shown.likeliest]

    def click(event: events.MouseEventArguments) -> Any:
        x, y = tapped((event.image_x, event.image_y), candidates, frame)
        return clicked((min(max(x / width, 0.0), 1.0), min(max(y / height, 0.0), 1.0)))

    # The drawing contains only numbers.
    image = ui.interactive_image(image_source(frame), on_mouse=click, cross=True, sanitize=False)
    image.content = diamonds(candidates, _RADIUS)
    if shown.contact is not None:
        x, y = shown.contact
        image.content += circles([(x * width, y * height)], _RADIUS)
    return image


async def ask_contact(shown: ShownDemonstration) -> Point | None:
    """Ask in a dialog for a click at the contact, and return it; without one, the marked one."""
    dialog: Dialog = ui.dialog()
    with dialog, ui.card().classes('max-w-none'):
        ui.label(
            'Click the operated part. If a hand covers it in this frame, choose another part of '
            'the video first.'
        )
        contact_picker(shown, dialog.submit).classes(_LARGE)
        if shown.likeliest:
            ui.label('The numbers show the most likely parts. Tap one, or click elsewhere.')
        ui.button('Cancel', on_click=lambda: dialog.submit(None)).props('flat no-caps')
    chosen = await dialog
    dialog.delete()
    return chosen if isinstance(chosen, tuple) else shown.contact


class ContactQuestion:
    """The question, shown while an answer is unsure.

    Args:
        answered: called with the demonstration, and the contact as shares of its width and height.
    """

    def __init__(self, answered: Callable[[ShownDemonstration, Point], Awaitable[None]]) -> None:
        self._answered = answered
        self._column = ui.column().classes('w-full gap-1 question')
        self.ask(None)

    def ask(self, shown: ShownDemonstration | None) -> None:
        """Ask for the operated part of a demonstration; None: ask nothing."""
        self._column.clear()
        self._column.set_visibility(shown is not None)
        if shown is None:
            return
        with self._column:
            count = len(shown.likeliest)
            ui.label(
                f'First frame of {shown.name}'
                + (f': the model hesitates between these {count} parts' if count > 1 else '')
            ).classes('text-sm [overflow-wrap:anywhere]')
            picker = contact_picker(shown, lambda contact: self._answered(shown, contact))
            picker.classes('w-full max-w-[480px]')
