# SPDX-License-Identifier: Apache-2.0
"""A slider that responds to keys and pointer without waiting for the server."""

from __future__ import annotations

from nicegui import ui


class ImmediateSlider(ui.slider):
    """A slider whose value the browser sets and then sends to the server.

    With NiceGUI's own slider, the server sends each value back, and a late answer undoes later
    input.
    """

    LOOPBACK = False
