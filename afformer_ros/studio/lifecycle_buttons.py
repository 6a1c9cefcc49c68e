# SPDX-License-Identifier: Apache-2.0
"""Buttons that take a grounding node through its lifecycle."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from lifecycle_msgs.msg import Transition
from nicegui import ui

from afformer_core.studio.messages import told_errors
from afformer_ros.studio.grounding_link import GroundingLink
from afformer_ros.studio.grounding_watch import NodeState

# Texts of the buttons, with the state in which each is shown and its transition.
_BUTTONS = (
    ('Configure', NodeState.UNCONFIGURED, Transition.TRANSITION_CONFIGURE),
    ('Activate', NodeState.INACTIVE, Transition.TRANSITION_ACTIVATE),
    ('Clean up', NodeState.INACTIVE, Transition.TRANSITION_CLEANUP),
    ('Deactivate', NodeState.ACTIVE, Transition.TRANSITION_DEACTIVATE),
)


class LifecycleButtons:
    """The buttons that the state of the node allows.

    Args:
        link: link to the node.
    """

    def __init__(self, link: GroundingLink) -> None:
        self._link = link
        self._changing = False
        self._buttons = {}
        for text, state, transition in _BUTTONS:
            button = ui.button(text, on_click=self._changer(transition))
            button.props('outline dense no-caps')
            button.set_visibility(False)
            self._buttons[button] = state

    def refresh(self) -> None:
        """Follow the state of the node."""
        for button, state in self._buttons.items():
            button.set_visibility(self._link.watch.state is state)
            button.set_enabled(not self._changing)

    def _changer(self, transition: int) -> Callable[[], Awaitable[None]]:
        async def change() -> None:
            self._changing = True
            self.refresh()
            try:
                with told_errors():
                    await asyncio.to_thread(self._link.client.change_state, transition)
            finally:
                self._changing = False

        return change
