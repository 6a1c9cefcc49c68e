# SPDX-License-Identifier: Apache-2.0
"""A studio beside a grounding node, and a page of it in a browser."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Of a machine that is busy.
_MILLISECONDS = 60_000


@pytest.fixture(scope='module')
def studio(exported_model: Path) -> Iterator[str]:
    """Address of a studio that shows the node `/shared/grounding`."""
    pytest.importorskip('nicegui', reason="nicegui is not installed; pip install '.[studio]'")
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    command = [sys.executable, '-m', 'afformer_core.cli.main', 'studio', '--port', str(port)]
    options = ['--model', str(exported_model), '--threads', '1', '--node', 'shared/grounding']
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        yield address
        server.terminate()
        server.wait(30)


@pytest.fixture
def page(chromium: Any, studio: str) -> Iterator[Any]:
    """The tab Robot at 1280x720."""
    page = chromium.new_page(viewport={'width': 1280, 'height': 720})
    page.set_default_timeout(_MILLISECONDS)
    page.goto(studio)
    page.get_by_role('tab', name='Robot').click()
    yield page
    page.close()
