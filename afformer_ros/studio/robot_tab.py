# SPDX-License-Identifier: Apache-2.0
"""The tab of a running grounding node."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from nicegui import ui

from afformer_core.studio.messages import told_errors
from afformer_core.studio.server import Turn
from afformer_core.studio.teaching.models import Models

if TYPE_CHECKING:
    from afformer_ros.studio.grounding_link import GroundingLink
    from afformer_ros.studio.robot_view import RobotView

_NAME = re.compile(r'(/[A-Za-z_]\w*)+')


class RobotTab:
    """The tab, which starts ROS when a page first shows it; this takes a second.

    Args:
        node_name: name of the grounding node; a leading slash is added if it is missing.
        models: models that the node may use.

    Raises:
        ValueError: it is not a valid name of a node.
    """

    def __init__(self, node_name: str, models: Models) -> None:
        self._models = models
        self._node_name = f'/{node_name.lstrip("/")}'
        if not _NAME.fullmatch(self._node_name):
            raise ValueError(
                f'the node is {node_name!r}; expected a name such as /grounding or /left/grounding'
            )
        self._link: GroundingLink | None = None
        self._opening = asyncio.Lock()

    def build(self) -> Turn:
        """Build the tab in a page; it is filled when it is first shown."""
        container = ui.element().classes('w-full')
        client = ui.context.client
        view: RobotView | None = None

        async def turn_to(shown: bool) -> None:  # noqa: FBT001
            nonlocal view
            if view is None and shown:
                with container, told_errors():
                    note = ui.label('Entering ROS ...')
                    opened = await self._opened()
                    note.delete()
                    from afformer_ros.studio.robot_view import RobotView

                    view = view or RobotView(opened, self._models)
                    client.on_delete(lambda: view.turn_to(False))
            if view is not None:
                view.turn_to(shown)

        return turn_to

    def close(self) -> None:
        """Shut ROS down."""
        if self._link is not None:
            self._link.close()

    async def _opened(self) -> GroundingLink:
        async with self._opening:
            if self._link is None:
                self._link = await asyncio.to_thread(_open, self._node_name)
            return self._link


def _open(node_name: str) -> GroundingLink:
    # Importing ROS takes as long as the rest of the studio.
    from afformer_ros.studio.grounding_link import GroundingLink

    return GroundingLink(node_name)
