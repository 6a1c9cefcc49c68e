# SPDX-License-Identifier: Apache-2.0
"""A running studio, and a page of it in a browser."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afformer_core.media.images import write_image
from afformer_core.media.video import write_video
from afformer_core.runtime import ArrayGrounder
from afformer_core.studio.model_worker import ModelWorker

# Of a machine that is busy.
_MILLISECONDS = 60_000


@pytest.fixture(scope='session')
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two videos of 12 frames, a folder of 3 frames, and an image."""
    folder = tmp_path_factory.mktemp('files')
    rng = np.random.default_rng(0)
    for name in ('press.mp4', 'turn.mp4'):
        write_video(folder / name, rng.integers(0, 256, (12, 64, 64, 3), np.uint8), 6.0)
    (folder / 'frames').mkdir()
    for number in range(3):
        write_image(folder / f'frames/{number}.png', rng.integers(0, 256, (48, 64, 3), np.uint8))
    write_image(folder / 'panel.png', rng.integers(0, 256, (96, 128, 3), np.uint8))
    return folder


@pytest.fixture(scope='session')
def pairs(tmp_path_factory: pytest.TempPathFactory, files: Path) -> Path:
    """An object with one demonstration and three images of 128x96, without points."""
    folder = tmp_path_factory.mktemp('pairs')
    add_cup(folder, files, 'press\nturn\npull\n')
    for name in ('attic.png', 'bath.png', 'cellar.png'):
        shutil.copy(files / 'panel.png', folder / 'cup/images' / name)
    return folder


def add_cup(folder: Path, files: Path, actions: str) -> None:
    """Add an object with one demonstration and no image, and the names of actions."""
    (folder / 'cup/demonstrations').mkdir(parents=True)
    (folder / 'cup/images').mkdir()
    shutil.copy(files / 'press.mp4', folder / 'cup/demonstrations')
    (folder / 'actions.txt').write_text(actions)


def run(task: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    """Run in a thread of its own: a browser of other tests has an event loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(task())).result()


@pytest.fixture
def worker(shipped_model: Path) -> Iterator[ModelWorker]:
    started = ModelWorker(shipped_model, lambda: ArrayGrounder.load(shipped_model, threads=1))
    yield started
    started.close()


@dataclass(frozen=True)
class Studio:
    """A running studio: its address, and the id of its process."""

    address: str
    process: int


@pytest.fixture(scope='session')
def marked_pairs(tmp_path_factory: pytest.TempPathFactory, files: Path) -> Path:
    """An object with one demonstration and two images of 128x96, with a point on each."""
    folder = tmp_path_factory.mktemp('marked')
    add_cup(folder, files, 'press\nturn\n')
    rows = ['demonstration,image,action,x,y']
    for name, x in (('attic.png', 30), ('bath.png', 90)):
        image = np.full((96, 128, 3), 90, np.uint8)
        image[40:56, x - 8 : x + 8] = 230
        write_image(folder / 'cup/images' / name, image)
        rows.append(f'press.mp4,{name},press,{x},48')
    (folder / 'cup/points.csv').write_text('\n'.join(rows) + '\n')
    return folder


@contextmanager
def serving(*options: str) -> Iterator[Studio]:
    """A studio that is started with options, until the end of the block."""
    pytest.importorskip('nicegui', reason="nicegui is not installed; pip install '.[studio]'")
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    command = [sys.executable, '-m', 'afformer_core.cli.main', 'studio', '--port', str(port)]
    command += ['--threads', '1', *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield Studio(server.stdout.readline().strip(), server.pid)
        server.terminate()
        server.wait(100)


@contextmanager
def opened(chromium: Any, studio: str) -> Iterator[Any]:
    """The page at 1280x720; fails the test where it asks another host for anything."""
    page = chromium.new_page(viewport={'width': 1280, 'height': 720})
    page.set_default_timeout(_MILLISECONDS)
    errors: list[str] = []
    page.on('pageerror', lambda error: errors.append(str(error)))
    host, _, _ = studio.partition('/?')
    own = (host, host.replace('http', 'ws'), 'data:', 'blob:')
    page.on(
        'request',
        lambda request: None if request.url.startswith(own) else errors.append(request.url),
    )
    page.goto(studio)
    page.get_by_text('Drop videos here').wait_for()
    yield page
    page.close()
    assert errors == []
    with urllib.request.urlopen(studio, timeout=30) as answered:
        assert answered.status == 200


@pytest.fixture(scope='session')
def running_studio(pairs: Path) -> Iterator[Studio]:
    """A studio that marks `pairs`, and takes uploads up to 2 MB."""
    with serving('--largest-file', '2', '--pairs', str(pairs)) as running:
        yield running


@pytest.fixture
def studio(running_studio: Studio) -> str:
    """Address of `running_studio`."""
    return running_studio.address


@pytest.fixture
def page(chromium: Any, studio: str) -> Iterator[Any]:
    """The page of `running_studio`."""
    with opened(chromium, studio) as page:
        yield page
