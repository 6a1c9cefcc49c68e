# SPDX-License-Identifier: Apache-2.0
"""The server of the page, and its tabs."""

from __future__ import annotations

import asyncio
import signal
import socket
import warnings
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from nicegui import ui

from afformer_core.studio.access import Guard, kept_token
from afformer_core.studio.labelling import pair_view
from afformer_core.studio.limits import Limits
from afformer_core.studio.messages import told_errors
from afformer_core.studio.model_worker import ModelWorker
from afformer_core.studio.trying.try_tab import TryTab
from afformer_core.studio.trying.workspace import Workspace

# Size of the boundaries and headers around a file in the body of an upload.
_AROUND_FILE = 100_000
# Seconds. If a busy server does not answer a page for longer, the page is rebuilt and loses its
# content.
_RECONNECT_SECONDS = 30.0
_FAVICON = '👉'
# The list of uploads is almost always empty, and its header is a drop zone. Text in the colour of
# buttons, and white text on it, has a contrast of at least 4.5 in both colour schemes, unlike with
# Quasar's own colours.
_STYLE = """
.q-uploader__list { padding: 0; min-height: 0 }
.q-uploader__list:not(:has(*)) { display: none }
.q-uploader__header { background: transparent; color: inherit }
.q-uploader.q-uploader--bordered { border-style: dashed; border-width: 2px }
body { --q-primary: #1976d2 !important }
body.body--dark .text-primary { --q-primary: #90caf9 }
.q-btn, .q-tab { text-transform: none }
.q-btn--outline.q-btn--dense { padding: 2px 7px }
.q-tab-panels { background: transparent !important }
@media (max-width: 599px) { .q-tab { padding: 0 8px; min-height: 40px } }
"""


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
    close: Callable[[], None] = lambda: None


def serve(
    host: str, port: int, limits: Limits, worker: ModelWorker, added: Sequence[StudioTab] = ()
) -> None:
    """Serve the page until the process is signalled to end.

    Args:
        host: address to listen on.
        port: port, 1 to 65535.
        limits: maximum sizes of the input.
        worker: worker with the model; closed at the end.
        added: tabs beside the first, closed at the end.

    Raises:
        ValueError: the port is out of its range.
        OSError: the server cannot listen on the host and port.
    """
    with _listen(host, port) as listening:
        token = kept_token(port)
        worker.submit(lambda grounder: None)
        application = _application(worker, limits, added)
        guard = Guard(application, token, limits.file_bytes + _AROUND_FILE, port)
        config = uvicorn.Config(guard, log_level='warning', access_log=False)
        shown_host = f'[{host}]' if ':' in host else host
        print(f'http://{shown_host}:{port}/?token={token}', flush=True)
        # Uvicorn raises the signal again after its shutdown, which would end Python here.
        signal.signal(signal.SIGTERM, _end)
        try:
            asyncio.run(uvicorn.Server(config).serve([listening]))
        finally:
            worker.close()
            for tab in added:
                tab.close()


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _application(worker: ModelWorker, limits: Limits, added: Sequence[StudioTab]) -> FastAPI:
    application = FastAPI(openapi_url=None)

    @ui.page('/', title='afformer studio')
    def page() -> None:
        _build(worker, limits, added)

    # NiceGUI inspects all objects of the process at its start, including deprecated ones of torch.
    warnings.filterwarnings('ignore', category=FutureWarning, module='nicegui')
    ui.run_with(
        application,
        title='afformer studio',
        favicon=_FAVICON,
        dark=None,
        reconnect_timeout=_RECONNECT_SECONDS,
    )
    return application


def _listen(host: str, port: int) -> socket.socket:
    """Listen at once, so that a page opened during the start waits for the server."""
    if not 1 <= port <= 65535:
        raise ValueError(f'the port is {port}; expected one from 1 to 65535')
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise OSError(
            f'the studio cannot listen on {host}:{port}: {error.strerror}. Give another --port or '
            '--host'
        ) from error


def _build(worker: ModelWorker, limits: Limits, added: Sequence[StudioTab]) -> None:
    workspace = Workspace(worker, limits)
    ui.context.client.on_delete(workspace.close)
    ui.add_css(_STYLE + pair_view.STYLE)
    ui.add_body_html(f'<script>{pair_view.SCRIPT}</script>')
    with ui.header().classes('items-center py-1 bg-blue-grey-10 text-white'):
        ui.label('afformer studio').classes('text-lg')
    _build_tabs({'Try': lambda: TryTab(workspace), **{tab.name: tab.build for tab in added}})


def _build_tabs(builders: Mapping[str, Callable[[], Any]]) -> None:
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

    tabs.on_value_change(lambda: turn_tabs(turns, lambda: tabs.value))


async def turn_tabs(turns: Mapping[str, Turn], shown: Callable[[], object]) -> None:
    """Tell each tab whether it is shown.

    A tab may take long to open: the others follow the tab that is shown by then.

    Args:
        turns: functions to call, by the name of the tab.
        shown: returns the name of the tab that is shown.
    """
    for name, turn in turns.items():
        awaited = turn(shown() == name)
        if awaited is not None:
            await awaited
