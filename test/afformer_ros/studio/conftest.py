# SPDX-License-Identifier: Apache-2.0
"""A studio beside a grounding node, and a page of it in a browser."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

# Of a machine that is busy.
_MILLISECONDS = 60_000


@pytest.fixture(scope='session')
def exported_model(shipped_model: Path) -> Path:
    """The shipped model: one with random weights has no matching network, which marks need."""
    return shipped_model


@pytest.fixture(scope='module')
def open_studio(exported_model: Path) -> Iterator[Callable[[str], str]]:
    """Starts a studio that shows a node; returns its address."""
    pytest.importorskip('nicegui', reason="nicegui is not installed; pip install '.[studio]'")
    with contextlib.ExitStack() as started:
        yield lambda node: started.enter_context(_running(exported_model, node))


@contextlib.contextmanager
def _running(model: Path, node: str) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    command = [sys.executable, '-m', 'afformer_core.cli.main', 'studio', '--port', str(port)]
    options = ['--model', str(model), '--threads', '1', '--node', node]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.terminate()
        server.wait(30)


@pytest.fixture(scope='module')
def studio(open_studio: Callable[[str], str]) -> str:
    """Address of a studio that shows the node `/shared/grounding`."""
    return open_studio('shared/grounding')


@pytest.fixture
def page(chromium: Any, studio: str) -> Iterator[Any]:
    """The tab Robot at 1280x720."""
    page = chromium.new_page(viewport={'width': 1280, 'height': 720})
    page.set_default_timeout(_MILLISECONDS)
    page.goto(studio)
    page.get_by_role('tab', name='Robot').click()
    yield page
    page.close()
