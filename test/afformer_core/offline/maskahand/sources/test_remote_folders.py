# SPDX-License-Identifier: Apache-2.0
"""Folders at a URL hold the videos that they would hold on the disk, of every kind."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from types import ModuleType
from typing import Any

import fsspec
import PIL.Image
import pytest
from rosbags.rosbag2 import StoragePlugin

from afformer_core.offline.maskahand.mining.index import HandIndex
from afformer_core.offline.maskahand.sources import find_sources, open_source
from afformer_core.offline.maskahand.sources.remote_bag import open_bag
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
    compressed: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A video, a LeRobot dataset, a folder of frames, bags of both kinds, and hidden files."""
    root = tmp_path_factory.mktemp('tree') / 'lab'
    shutil.copytree(lerobot_dataset, root / 'robot')
    (root / 'frames').mkdir()
    for number, image in enumerate(red.film(4, 10, [(2, 3)])):
        PIL.Image.fromarray(image).save(root / 'frames' / f'frame_{number:04}.png')
    cameras = {'/left': lambda number: raw(10 * number), '/right': compressed}
    write_bag(root / 'sqlite', cameras, StoragePlugin.SQLITE3)
    write_bag(root / 'mcap', cameras)
    shutil.copy(root / 'mcap' / 'mcap.mcap', root / 'alone.mcap')
    for name in ('a.mp4', '.hidden.mp4', '.trash/b.mp4'):
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copy(film, root / name)
    return root


class Listing(SimpleHTTPRequestHandler):
    """A web server that lists folders and gives parts of files, half of those of some names."""

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
        if path.name.startswith('broken'):
            end = (begin + end) // 2
            self.close_connection = True
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


@pytest.fixture(scope='module')
def expected(red: ModuleType, tree: Path, tmp_path_factory: pytest.TempPathFactory) -> HandIndex:
    """What is mined of the folder on the disk."""
    return mine(red, tmp_path_factory.mktemp('expected'), str(tree), folder_rate=10.0)


@pytest.mark.parametrize('scheme', ['memory', 'web'])
def test_folders_hold_what_they_hold_on_the_disk(
    scheme: str,
    request: pytest.FixtureRequest,
    red: ModuleType,
    tree: Path,
    expected: HandIndex,
    tmp_path: Path,
) -> None:
    root = f'{request.getfixturevalue(scheme)}/lab'

    index = mine(red, tmp_path, root, folder_rate=10.0)

    assert index.broken == expected.broken == ()
    names = [str(url_of(video.path)).removeprefix(f'{root}/') for video in index.videos]
    assert names == [str(video.path.relative_to(tree)) for video in expected.videos]
    assert len(names) == 11
    for video, local in zip(index.videos, expected.videos, strict=True):
        assert (video.times, video.hands, video.clips) == (local.times, local.hands, local.clips)
        assert video.topic == ('frames' if video.path.name == 'frames' else local.topic)
        times = video.times[2:4]
        images = open_source(video.path, video.topic, 10.0).at(times)
        assert (images == open_source(local.path, local.topic, 10.0).at(times)).all()
    same = {video.content for video in index.videos} & {local.content for local in expected.videos}
    # A web server does not tell the sizes of all frames.
    assert len(same) == (11 if scheme == 'memory' else 10)


def test_what_is_wrong_with_a_folder_is_told_and_the_rest_is_taken(
    tree: Path, memory: str
) -> None:
    system = fsspec.filesystem('memory')
    system.pipe('/broken/robot/meta/info.json', (tree / 'robot/meta/info.json').read_bytes())
    system.put(str(tree / 'frames'), '/broken/frames', recursive=True)
    system.put(str(tree / 'a.mp4'), '/broken/a.mp4')

    found = find_sources([Path('memory://broken')])

    assert [source.path.name for source in found.sources] == ['a.mp4']
    told = {url_of(path): reason for path, reason in found.broken}
    assert told.keys() == {'memory://broken/robot', 'memory://broken/frames'}
    assert 'contains no Parquet file' in told['memory://broken/robot']
    assert told['memory://broken/frames'].startswith('frames is a folder of frames without times')


def test_a_frame_that_is_gone_is_told_and_those_after_it_are_read(tree: Path) -> None:
    system = fsspec.filesystem('memory')
    system.put(str(tree / 'frames'), '/lossy/frames', recursive=True)
    source = open_source(Path('memory://lossy/frames'), 'frames', 10.0)
    frames = source.frames(10.0)
    next(frames)
    system.rm('/lossy/frames/frame_0002.png')

    kinds = [type(frame).__name__ for frame in frames]

    assert kinds == ['VideoFrame', 'LostFrame', *['VideoFrame'] * 37]


@pytest.mark.parametrize('scheme', ['memory', 'web'])
def test_frames_that_are_written_again_are_another_video(
    scheme: str, request: pytest.FixtureRequest, tree: Path
) -> None:
    root = request.getfixturevalue(scheme)
    source = open_source(Path(f'{root}/again-{scheme}'), 'frames', 10.0)

    def write(level: int) -> str:
        folder = tree.parent / f'again-{scheme}'
        folder.mkdir(exist_ok=True)
        for number in range(3):
            PIL.Image.new('L', (4, 4), level * number).save(folder / f'{number}.bmp')
            os.utime(folder / f'{number}.bmp', (level * 100, level * 100))
            content = (folder / f'{number}.bmp').read_bytes()
            fsspec.filesystem('memory').pipe(f'/again-{scheme}/{number}.bmp', content)
        return source.fingerprint()

    assert write(1) != write(2)


def test_one_topic_of_a_bag_is_named(memory: str) -> None:
    found = find_sources(
        [Path('memory://lab/sqlite#/right'), Path('memory://lab/alone.mcap#/left')]
    )

    assert found.broken == ()
    assert [(each.path.name, each.topic) for each in found.sources] == [
        ('alone.mcap', '/left'),
        ('sqlite', '/right'),
    ]
    assert len(found.sources[1].at([0.0, 0.1])) == 2


def test_what_is_wrong_with_a_bag_is_told_and_the_rest_is_taken(tree: Path, web: str) -> None:
    folder = tree.parent / 'bags'
    folder.mkdir()
    shutil.copy(tree / 'alone.mcap', folder / 'broken.mcap')
    shutil.copy(tree / 'alone.mcap', folder / 'good.mcap')
    (folder / 'cut.mcap').write_bytes((tree / 'alone.mcap').read_bytes()[:-20])
    shutil.copytree(tree / 'sqlite', folder / 'broken')
    database = folder / 'broken' / 'broken.db3'
    (folder / 'broken' / 'sqlite.db3').rename(database)
    described = folder / 'broken' / 'metadata.yaml'
    described.write_text(described.read_text().replace('sqlite.db3', 'broken.db3'))

    found = find_sources([Path(f'{web}/bags')])

    assert [source.path.name for source in found.sources] == ['good.mcap'] * 2
    told = {path.name: reason for path, reason in found.broken}
    assert told.keys() == {'broken', 'broken.mcap', 'cut.mcap'}
    assert told['broken'].startswith('broken/broken.db3 cannot be read: Client')
    assert told['broken.mcap'].startswith('broken.mcap cannot be read: Client')
    assert told['cut.mcap'].startswith('cut.mcap cannot be read as a rosbag2: ')


def test_bags_are_read_one_at_a_time(memory: str) -> None:
    bag = Path(f'{memory}/lab/mcap')
    opened = threading.Event()

    def open_it() -> None:
        with open_bag(bag):
            opened.set()

    with open_bag(bag):
        thread = threading.Thread(target=open_it)
        thread.start()
        assert not opened.wait(0.5)
    thread.join()
    assert opened.is_set()
