# SPDX-License-Identifier: Apache-2.0
"""Videos by their URL are mined as those on the disk are, and what cannot be read is told."""

from __future__ import annotations

import io
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType, SimpleNamespace

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from afformer_core.offline.maskahand.sources import find_sources, open_source
from afformer_core.offline.maskahand.sources.urls import RemoteFile, url_of
from afformer_core.offline.parallel.engine import ParallelEngine
from afformer_core.offline.parallel.local_engine import ONE_PROCESS, LocalEngine

from .mined_paths import mine, seen

# Bytes after which the server breaks a transfer.
BREAKS = 200_000


class Server(BaseHTTPRequestHandler):
    """A web server of files with ranges, as buckets have them."""

    files: dict[str, bytes]
    protocol_version = 'HTTP/1.1'

    def do_HEAD(self) -> None:
        self._answer(False)

    def do_GET(self) -> None:
        self._answer(True)

    def _answer(self, whole: bool) -> None:
        name = self.path.strip('/')
        content = self.files.get(name, b'')
        status = 403 if 'secret' in name else 200 if content else 404
        asked = self.headers.get('Range')
        begin, end = 0, len(content)
        if asked and status == 200:
            first, _, last = asked.removeprefix('bytes=').partition('-')
            begin, end = int(first), min(int(last or end), end - 1) + 1
            status = 206
        self.send_response(status)
        self.send_header('Accept-Ranges', 'bytes')
        self.send_header('Content-Length', str(end - begin))
        if status == 206:
            self.send_header('Content-Range', f'bytes {begin}-{end - 1}/{len(content)}')
        self.end_headers()
        if not whole or status >= 400:
            return
        if 'broken' in name and end > BREAKS:
            self.wfile.write(content[begin : max(begin, BREAKS)])
            self.close_connection = True
            return
        self.wfile.write(content[begin:end])

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    """Answer requests by a handler; yields the address."""
    server = ThreadingHTTPServer(('127.0.0.1', 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f'http://127.0.0.1:{server.server_port}'
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope='module')
def server(film: Path, red: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a server with a film, a longer one whose transfer breaks, and a secret one."""
    long = tmp_path_factory.mktemp('long') / 'long.ts'
    write_noise(long)
    content = film.read_bytes()
    Server.files = {
        'film.mp4': content,
        'cut.mp4': content[: len(content) // 3],
        'broken.ts': long.read_bytes(),
        'secret.mp4': content,
    }
    with served(Server) as address:
        yield address


def write_noise(path: Path) -> None:
    """An MPEG transport stream of half a megabyte, whose frames come in the order of its bytes."""
    import av
    import numpy as np

    rng = np.random.default_rng(0)
    with av.open(str(path), 'w', format='mpegts') as written:
        stream = written.add_stream('mpeg2video', rate=10)
        stream.width, stream.height, stream.bit_rate = 96, 64, 800_000
        for _ in range(100):
            image = rng.integers(0, 255, (64, 96, 3), np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, 'rgb24')):
                written.mux(packet)
        for packet in stream.encode():
            written.mux(packet)


def test_a_url_survives_as_a_path() -> None:
    assert url_of(Path('s3://bucket/folder/a.mp4')) == 's3://bucket/folder/a.mp4'
    assert url_of(Path('http://host:80/a.mp4')) == 'http://host:80/a.mp4'
    assert url_of(Path('/data/s3:/a.mp4')) is None
    assert url_of(Path('videos/a.mp4')) is None


def test_a_folder_that_a_web_server_lists_is_searched(tmp_path: Path) -> None:
    for name in ('lab/a.mp4', 'lab/below/b.mp4', 'lab/notes.txt'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    with served(partial(SimpleHTTPRequestHandler, directory=str(tmp_path))) as address:
        found = find_sources([Path(f'{address}/lab')])

    assert found.broken == ()
    assert [url_of(source.path) for source in found.sources] == [
        f'{address}/lab/a.mp4',
        f'{address}/lab/below/b.mp4',
    ]


@pytest.mark.parametrize('engine', [ONE_PROCESS, LocalEngine(2)], ids=str)
def test_what_a_server_does_not_give_is_told_and_the_rest_is_mined(
    red: ModuleType, film: Path, server: str, tmp_path: Path, engine: ParallelEngine
) -> None:
    names = ('film.mp4', 'gone.mp4', 'secret.mp4', 'cut.mp4', 'broken.ts')

    index = mine(red, tmp_path, *(f'{server}/{name}' for name in names), engine=engine)

    [local] = mine(red, tmp_path / 'local', str(film)).videos
    by_name = {video.path.name: video for video in index.videos}
    assert seen(by_name['film.mp4']) == seen(local)
    told = {path.name: reason for path, reason in index.broken}
    assert told.keys() == {'gone.mp4', 'secret.mp4', 'cut.mp4', 'broken.ts'}
    assert told['gone.mp4'].startswith('gone.mp4 cannot be read: FileNotFoundError')
    assert told['secret.mp4'].endswith(
        '. Check the credentials of this machine and their permissions'
    )
    assert 'cannot be read as a video, or is truncated' in told['cut.mp4']
    assert 'broken.ts cannot be read: Client' in told['broken.ts']


@pytest.fixture
def tar(film: Path, tmp_path: Path) -> Path:
    """A shard of WebDataset, with two samples of a video and its text."""
    path = tmp_path / 'shards' / '000000.tar'
    path.parent.mkdir()
    with tarfile.open(path, 'w') as written:
        for name in ('first', 'second'):
            written.add(film, f'{name}.mp4')
            text = tarfile.TarInfo(f'{name}.txt')
            text.size = 5
            written.addfile(text, io.BytesIO(b'press'))
    return path


def test_videos_of_a_tar_are_those_of_the_disk(
    red: ModuleType, film: Path, tar: Path, tmp_path: Path
) -> None:
    fsspec.filesystem('memory').pipe('/tars/000000.tar', tar.read_bytes())
    [local] = mine(red, tmp_path / 'local', str(film)).videos

    for number, source in enumerate((str(tar.parent), str(tar), 'memory://tars')):
        index = mine(red, tmp_path / f'{number}', source)
        assert [video.topic for video in index.videos] == ['first.mp4', 'second.mp4']
        assert [seen(video) for video in index.videos] == [seen(local)] * 2
        assert index.broken == ()
        video = index.videos[1]
        images = open_source(video.path, video.topic).at([2.0, 8.4])
        assert (images == open_source(film).at([2.0, 8.4])).all()


def test_a_tar_that_is_truncated_is_told_and_used_up_to_there(
    red: ModuleType, tar: Path, tmp_path: Path
) -> None:
    with tarfile.open(tar) as opened:
        begin = opened.getmember('second.mp4').offset_data
    tar.write_bytes(tar.read_bytes()[: begin + 1000])

    index = mine(red, tmp_path / 'mined', str(tar))

    assert [video.topic for video in index.videos] == ['first.mp4']
    [(path, reason)] = index.broken
    assert path == tar
    assert reason.startswith('the tar is damaged or truncated after 2 files: ')


@pytest.mark.parametrize(
    ('url', 'reason'),
    [
        ('nothing://bucket/a.mp4', 'a.mp4 cannot be read: ValueError: Protocol'),
        ('abfs://bucket/a.mp4', 'a.mp4 cannot be read: ImportError: Install adlfs to access'),
    ],
)
def test_a_scheme_without_its_package_is_told(url: str, reason: str) -> None:
    found = find_sources([Path(url)])

    assert found.sources == ()
    assert found.broken[0][1].startswith(reason)


def test_two_who_read_a_file_in_memory_have_a_position_each() -> None:
    fsspec.filesystem('memory').pipe('/two/letters', b'abcdef')
    first, second = (RemoteFile('memory://two/letters') for _ in range(2))

    assert (first.read(4), second.read(3), first.read()) == (b'abcd', b'abc', b'ef')


def refusal(text: str = '', **facts: object) -> Exception:
    error = Exception(text)
    vars(error).update(facts)
    return error


@pytest.mark.parametrize(
    'error',
    [
        PermissionError('Access Denied'),
        refusal(status=403),
        refusal(code=401),
        refusal(response=SimpleNamespace(status_code=403)),
        refusal('Forbidden: storage.objects.list is not for you'),
    ],
    ids=['s3', 'web', 'gs', 'hf', 'gs private'],
)
def test_a_refusal_of_each_file_system_is_told(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> bool:
        raise error

    monkeypatch.setattr(MemoryFileSystem, 'isfile', refuse)
    [(path, told)] = find_sources([Path('memory://lab/videos')]).broken
    assert url_of(path) == 'memory://lab/videos'
    assert told.startswith(f'videos cannot be read: {type(error).__name__}:')
    assert told.endswith('. Check the credentials of this machine and their permissions')
