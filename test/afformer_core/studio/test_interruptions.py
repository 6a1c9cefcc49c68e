# SPDX-License-Identifier: Apache-2.0
"""Pages that are reloaded in the middle, slow networks, and a server that is killed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from afformer_core.offline.data.readers.point_table import read_point_table

from .conftest import Studio, opened, serving

# Of each part of a message in each direction: seconds, bytes, and bytes per second.
_DELAY, _PART, _RATE = 0.1, 16_384, 400_000


@pytest.fixture(scope='module')
def own(tmp_path_factory: pytest.TempPathFactory, pairs: Path) -> Path:
    """A copy of `pairs`."""
    folder = tmp_path_factory.mktemp('interrupted')
    return Path(shutil.copytree(pairs, folder / 'own', ignore=lambda *_: ['points.csv']))


@pytest.fixture
def labelled(own: Path) -> Iterator[Path]:
    """The table of its object, which does not exist before and after."""
    table = own / 'cup/points.csv'
    yield table
    table.unlink(missing_ok=True)


@pytest.fixture(scope='module')
def running(own: Path) -> Iterator[Studio]:
    """A studio that marks `own`."""
    with serving('--pairs', str(own)) as studio:
        yield studio


@pytest.fixture
def slow_address(running: Studio) -> Iterator[str]:
    """Address of the studio behind a slow network."""
    parts = urlsplit(running.address)
    assert parts.port is not None
    with socket.create_server(('127.0.0.1', 0)) as listening:
        thread = threading.Thread(target=_forward_all, args=(listening, parts.port), daemon=True)
        thread.start()
        yield running.address.replace(str(parts.port), str(listening.getsockname()[1]), 1)
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def _forward_all(listening: socket.socket, port: int) -> None:
    while True:
        try:
            near, _ = listening.accept()
        except OSError:
            return
        far = socket.create_connection(('127.0.0.1', port))
        for ends in ((near, far), (far, near)):
            threading.Thread(target=_forward, args=ends, daemon=True).start()


def _forward(source: socket.socket, target: socket.socket) -> None:
    try:
        while part := source.recv(_PART):
            time.sleep(_DELAY + len(part) / _RATE)
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def open_label(page: Any) -> None:
    page.get_by_role('tab', name='Label').click()
    page.get_by_text('Frame 1 of 12').wait_for()
    page.keyboard.press('2')


def click(page: Any, x: float, y: float) -> None:
    """Click a pixel of the image of 128x96, without waiting for the mark."""
    box = page.locator('.marked').bounding_box()
    page.mouse.click(box['x'] + x * box['width'] / 128, box['y'] + y * box['height'] / 96)


def marked(table: Path) -> list[tuple[int, int]]:
    return [(round(row.x), round(row.y)) for row in read_point_table(table)]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_clicks_over_a_slow_network_are_all_kept_in_their_order(
    chromium: Any, slow_address: str, labelled: Path
) -> None:
    points = [(20, 30), (90, 40), (50, 70), (110, 20), (70, 60)]
    page = chromium.new_page(viewport={'width': 1280, 'height': 720})
    page.set_default_timeout(100_000)
    page.goto(slow_address)
    open_label(page)

    for point in points:
        click(page, *point)

    page.get_by_text('5 points of 10').wait_for()
    page.close()
    assert marked(labelled) == points


@pytest.mark.slow
def test_a_reload_keeps_the_points_and_begins_anew(
    chromium: Any, running: Studio, labelled: Path, files: Path
) -> None:
    with opened(chromium, running.address) as page:
        page.locator('input[type=file]').nth(0).set_input_files(files / 'press.mp4')
        page.reload()
        page.get_by_text('Drop videos here').wait_for()
        open_label(page)
        click(page, 30, 40)
        page.locator('.marked circle').first.wait_for()
        page.reload()
        open_label(page)

        page.get_by_text('1 point of 10').wait_for()
        click(page, 90, 50)
        page.get_by_text('2 points of 10').wait_for()

    assert marked(labelled) == [(30, 40), (90, 50)]


@pytest.mark.slow
def test_a_server_that_is_killed_is_told_and_its_points_are_there_again(
    chromium: Any, own: Path, labelled: Path
) -> None:
    options = ('--pairs', str(own))
    page = chromium.new_page(viewport={'width': 1280, 'height': 720})
    page.set_default_timeout(60_000)
    with serving(*options) as first:
        page.goto(first.address)
        open_label(page)
        click(page, 30, 40)
        page.get_by_text('1 point of 10').wait_for()
        os.kill(first.process, signal.SIGKILL)
        page.get_by_text('Connection lost').wait_for()
    with serving(*options) as second:
        page.goto(second.address)
        open_label(page)
        page.get_by_text('1 point of 10').wait_for()
    page.close()

    assert marked(labelled) == [(30, 40)]
