# SPDX-License-Identifier: Apache-2.0
"""The question for the operated part, which a click on the demonstration answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from afformer_core.media.polygons import Point
from afformer_core.studio.trying.contact_image import contact_image
from afformer_core.studio.trying.workspace import ShownDemonstration


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
            contact_image(
                shown.timeline[0].image,
                None,
                shown.likeliest,
                lambda contact: self._answered(shown, contact),
            ).classes('w-full max-w-[480px]')
