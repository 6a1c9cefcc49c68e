# SPDX-License-Identifier: Apache-2.0
"""The tabs of the page, including those of other packages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nicegui import events, ui

from afformer_core.studio.messages import told_errors

# Called at each change with whether the tab is shown; may be a coroutine function.
Turn = Callable[[bool], Awaitable[None] | None]


@dataclass(frozen=True)
class StudioTab:
    """A tab that the pages of a server share.

    Attributes:
        name: text of the tab.
        build: builds it in a page, and returns the function to call when it is shown or hidden.
        close: releases the shared resources.
    """

    name: str
    build: Callable[[], Turn]
    close: Callable[[], None]


def build_tabs(builders: Mapping[str, Callable[[], Any]]) -> None:
    """Build the tabs of a page, and show the first; a single tab has no bar.

    Args:
        builders: functions that build a tab, by its name. Those of all but the first return the
            function to call when the tab is shown or hidden.
    """
    first = next(iter(builders))
    if len(builders) == 1:
        builders[first]()
        return
    # On a phone, the bar is wider than the screen and scrolls.
    with ui.tabs().classes('max-w-full') as tabs:
        for name in builders:
            ui.tab(name)
    turns: dict[str, Turn] = {}
    with ui.tab_panels(tabs, value=first, animated=False).classes('w-full'):
        for name, build in builders.items():
            with ui.tab_panel(name).classes('p-0'), told_errors():
                turn = build()
                if name != first:
                    turns[name] = turn

    async def turned(
        event: events.ValueChangeEventArguments[str | ui.tab | ui.tab_panel | None],
    ) -> None:
        for name, turn in turns.items():
            awaited = turn(event.value == name)
            if awaited is not None:
                await awaited

    tabs.on_value_change(turned)
