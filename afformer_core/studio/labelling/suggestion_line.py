# SPDX-License-Identifier: Apache-2.0
"""A line with the suggestion of the model, and a button to accept it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from afformer_core.media.polygons import Point
from afformer_core.studio.labelling.suggestion import Suggestion


class SuggestionLine:
    """The line.

    Args:
        accept: called when the button is pressed.

    Attributes:
        points: suggested points that are not yet accepted, best first.
    """

    def __init__(self, accept: Callable[[], Awaitable[None]]) -> None:
        self.points: tuple[Point, ...] = ()
        self._suggestion: Suggestion | None = None
        with ui.row().classes('items-center gap-2 no-wrap') as self._row:
            self._button = ui.button('Accept', on_click=accept).props('outline dense no-caps')
            self._text = ui.label().classes('text-sm suggestion')
        self.show(None)

    def show(self, suggestion: Suggestion | None) -> None:
        """Show a suggestion, or none."""
        self._suggestion = suggestion
        self.points = () if suggestion is None else suggestion.points
        self._row.set_visibility(suggestion is not None)
        if suggestion is not None:
            self._text.text = _text(suggestion)

    @property
    def action(self) -> str:
        """Name of the suggested action; empty if there is none."""
        return '' if self._suggestion is None else self._suggestion.action

    def take(self) -> Point:
        """Remove and return the best remaining point; there must be one."""
        point, *left = self.points
        self.points = tuple(left)
        self._row.set_visibility(bool(left))
        return point


def _text(suggestion: Suggestion) -> str:
    scores = ', '.join(f'{score:.2f}' for score in suggestion.scores)
    action = f'{suggestion.action}, ' if suggestion.action else ''
    doubt = '. It may not be in view' if suggestion.doubtful else ''
    return f'The model suggests: {action}score {scores}{doubt}'
