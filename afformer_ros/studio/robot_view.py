# SPDX-License-Identifier: Apache-2.0
"""The view of a running grounding node in one page."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from nicegui import ui

from afformer_core.messages.image_decoding import to_rgb
from afformer_core.offline.evaluation.report.tiles import fit, image_source
from afformer_ros.studio.contact_marker import ContactMarker
from afformer_ros.studio.demonstration_controls import DemonstrationControls
from afformer_ros.studio.demonstration_list import DemonstrationList
from afformer_ros.studio.diagnostics_list import DiagnosticsList
from afformer_ros.studio.grounding_link import GroundingLink
from afformer_ros.studio.grounding_watch import NodeState
from afformer_ros.studio.lifecycle_buttons import LifecycleButtons
from afformer_ros.studio.words import (
    age_in_words,
    best_point_in_words,
    certainty_in_words,
    presence_in_words,
    state_in_words,
)

# Seconds between two updates.
_PERIOD = 0.25
_SIDE = 960
_GRID = (
    'w-full grid gap-4 items-start md:grid-cols-[minmax(0,1fr)_20rem] '
    'lg:grid-cols-[minmax(0,1fr)_20rem_20rem]'
)


class RobotView:
    """The view, which is updated while it is shown.

    Args:
        link: link to the node.
    """

    def __init__(self, link: GroundingLink) -> None:
        self._link = link
        self._shown = False
        self._overlay: Any = None
        with ui.row().classes('items-center no-wrap gap-2'):
            self._icon = ui.icon('help', size='sm')
            self._state = ui.label().classes('font-bold node-state')
            self._lifecycle = LifecycleButtons(link)
        with ui.element().classes(_GRID) as self._results:
            with ui.column().classes('min-w-0 gap-2'):
                self._presence = ui.label().classes('font-bold presence')
                self._certainty = ui.label().classes('font-bold certainty')
                self._point = ui.label().classes('best-point')
                self._age = ui.label().classes('font-bold')
                # The content above and below fits 1280x720 without scrolling.
                self._image = ui.interactive_image().classes('w-full overlay')
                self._image.style('max-width: 64vh')
            with ui.column().classes('min-w-0 gap-2'):
                self._controls = DemonstrationControls(link)
            with ui.column().classes('min-w-0 gap-2 md:col-start-2 lg:col-start-3'):
                self._demonstrations = DemonstrationList(link)
                self._marker = ContactMarker(link)
                self._diagnostics = DiagnosticsList()
        self._timer = ui.timer(_PERIOD, self._refresh, active=False)

    def turn_to(self, shown: bool) -> None:  # noqa: FBT001
        """Update only while the view is shown."""
        if shown == self._shown:
            return
        self._shown = shown
        if shown:
            self._link.watch.begin()
        else:
            self._link.watch.end()
        if not self._timer.is_deleted:
            self._timer.active = shown
            self._controls.turn_to(shown)

    async def _refresh(self) -> None:
        watch = self._link.watch
        self._state.text = state_in_words(watch.state, self._link.name)
        self._icon.name = 'check_circle' if watch.state is NodeState.ACTIVE else 'warning'
        self._results.set_visibility(watch.state not in (NodeState.UNKNOWN, NodeState.ABSENT))
        self._lifecycle.refresh()
        self._demonstrations.refresh()
        self._marker.refresh()
        self._diagnostics.show(watch.diagnostics)
        affordance = watch.affordance
        if affordance is None:
            self._presence.text = 'No result yet.'
            self._certainty.text = self._point.text = self._age.text = ''
        else:
            self._presence.text = presence_in_words(affordance)
            self._certainty.text = certainty_in_words(affordance)
            self._point.text = best_point_in_words(affordance)
            self._age.text = age_in_words(time.monotonic() - watch.arrival)
        self._certainty.set_visibility(bool(self._certainty.text))
        self._age.set_visibility(bool(self._age.text))
        await self._show_overlay(watch.overlay)
        await self._controls.refresh()

    async def _show_overlay(self, overlay: Any) -> None:
        if overlay is self._overlay:
            return
        self._overlay = overlay
        source = '' if overlay is None else await asyncio.to_thread(_encoded, overlay)
        self._image.set_source(source)


def _encoded(overlay: Any) -> str:
    image = to_rgb(overlay)
    return image_source(fit(image, _SIDE) if max(image.shape) > _SIDE else image)
