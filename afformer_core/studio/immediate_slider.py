# SPDX-License-Identifier: Apache-2.0
"""A slider that follows its keys and pointer without waiting for the server."""

from __future__ import annotations

from nicegui import ui


class ImmediateSlider(ui.slider):
    """A slider whose value the browser sets, then tells the server.

    With NiceGUI's own the server sends each value back, and an answer that comes late undoes what
    was pressed since.
    """

    LOOPBACK = False
