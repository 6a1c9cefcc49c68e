# SPDX-License-Identifier: Apache-2.0
"""Folders at a URL: the videos and datasets in them, and what is read from a disk only."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from types import ModuleType
from typing import Any

import fsspec
import PIL.Image
import pytest

from afformer_core.offline.maskahand.sources import find_sources, open_source
from afformer_core.offline.maskahand.sources.urls import url_of

from .mined_paths import mine
from .web_server import served

pytest.importorskip('aiohttp', reason='aiohttp, which reads from web servers, is not installed')


@pytest.fixture(scope='module')
def tree(
    red: ModuleType,
    film: Path,
    lerobot_dataset: Path,
    write_bag: Callable[..., Path],
    raw: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A video, a LeRobot dataset, a folder of frames, bags, and hidden files."""
    root = tmp_path_factory.mktemp('tree') / 'lab'
    shutil.copytree(lerobot_dataset, root / 'robot')
    (root / 'frames').mkdir()
    for number, image in enumerate(red.film(4, 10, [(2, 3)])):
        PIL.Image.fromarray(image).save(root / 'frames' / f'frame_{number:04}.png')
    write_bag(root / 'recorded', {'/left': lambda number: raw(10 * number)})
    shutil.copy(root / 'recorded' / 'recorded.mcap', root / 'alone.mcap')
    for name in ('a.mp4', '.hidden.mp4', '.trash/b.mp4'):
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copy(film, root / name)
    return root


class Listing(SimpleHTTPRequestHandler):
    """A web server that lists folders and gives parts of files."""

    protocol_version = 'HTTP/1.1'

    def do_GET(self) -> None:
        path, asked = Path(self.translate_path(self.path)), self.headers.get('Range')
        if asked is None or not path.is_file():
            super().do_GET()
            return
        content = path.read_bytes()
        first, _, last = asked.removeprefix('bytes=').partition('-')
        begin, end = int(first), min(int(last or len(content)) + 1, len(content))
        self.send_response(206)
        self.send_header('Content-Range', f'bytes {begin}-{end - 1}/{len(content)}')
        self.send_header('Content-Length', str(end - begin))
        self.end_headers()
        self.wfile.write(content[begin:end])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope='module')
def web(tree: Path) -> Iterator[str]:
    """Address of a web server of the folder above."""
    handler = partial(Listing, directory=str(tree.parent))
    with served(handler) as address:
        yield address


@pytest.fixture(scope='module')
def memory(tree: Path) -> Iterator[str]:
    """Address of the same in memory."""
    system = fsspec.filesystem('memory')
    system.put(str(tree), '/', recursive=True)
    yield 'memory:/'
    system.store.clear()


@pytest.mark.parametrize('scheme', ['memory', 'web'])
def test_videos_and_datasets_are_those_of_the_disk_and_the_rest_is_told(
    scheme: str,
    request: pytest.FixtureRequest,
    red: ModuleType,
    tree: Path,
    tmp_path: Path,
) -> None:
    root = f'{request.getfixturevalue(scheme)}/lab'
    expected = mine(red, tmp_path / 'disk', str(tree / 'a.mp4'), str(tree / 'robot'))

    index = mine(red, tmp_path / 'url', root, folder_rate=10.0)

    names = [str(url_of(video.path)).removeprefix(f'{root}/') for video in index.videos]
    assert names == [str(video.path.relative_to(tree)) for video in expected.videos]
    assert len(names) == 4
    for video, local in zip(index.videos, expected.videos, strict=True):
        assert (video.times, video.hands, video.clips) == (local.times, local.hands, local.clips)
        assert (video.topic, video.content) == (local.topic, local.content)
        times = video.times[2:4]
        images = open_source(video.path, video.topic).at(times)
        assert (images == open_source(local.path, local.topic).at(times)).all()
    told = {path.name: reason for path, reason in index.broken}
    assert told.keys() == {'alone.mcap', 'frames', 'recorded'}
    assert told['recorded'].startswith('bags are read from a disk, and not from recorded. Copy')
    assert told['frames'].startswith('folders of frames are read from a disk, and not from frames')


def test_a_damaged_dataset_is_told_and_the_rest_is_taken(tree: Path, memory: str) -> None:
    system = fsspec.filesystem('memory')
    system.pipe('/broken/robot/meta/info.json', (tree / 'robot/meta/info.json').read_bytes())
    system.put(str(tree / 'a.mp4'), '/broken/a.mp4')

    found = find_sources([Path('memory://broken')])

    assert [source.path.name for source in found.sources] == ['a.mp4']
    (told,) = ((url_of(path), reason) for path, reason in found.broken)
    assert told[0] == 'memory://broken/robot'
    assert 'contains no Parquet file' in told[1]
