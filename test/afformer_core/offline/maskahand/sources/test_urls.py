# SPDX-License-Identifier: Apache-2.0
"""Videos by their URL are mined as those on the disk are, and what cannot be read is told."""

from __future__ import annotations

import io
import json
import re
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType, SimpleNamespace
from urllib.request import Request, urlopen

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from afformer_core.cli.main import main
from afformer_core.offline.maskahand.mining import mining
from afformer_core.offline.maskahand.mining.clip_table import ClipTable
from afformer_core.offline.maskahand.mining.index import read_index
from afformer_core.offline.maskahand.pretraining.pretraining_data import MaskAHandData
from afformer_core.offline.maskahand.sources import find_sources, open_source
from afformer_core.offline.maskahand.sources.urls import RemoteFile, url_of, written_files
from afformer_core.offline.parallel.engine import ParallelEngine
from afformer_core.offline.parallel.local_engine import ONE_PROCESS, LocalEngine

from .conftest import mine, seen

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


pytest.importorskip('moto', reason='moto, which serves buckets, is not installed')
pytest.importorskip('s3fs', reason='s3fs, which reads buckets, is not installed')

# Key and secret of the account, which may do everything.
ROOT = ('root', 'secret')
REGION = 'us-east-1'


def may(action: str, bucket: str) -> dict[str, object]:
    """An entry of a policy that allows an action on a bucket and what is in it."""
    resources = [f'arn:aws:s3:::{bucket}', f'arn:aws:s3:::{bucket}/*']
    return {'Effect': 'Allow', 'Action': action, 'Resource': resources}


@pytest.fixture(scope='module')
def service(film: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    """Address of a server that checks credentials, and those of a user.

    He may use the bucket `lab`, and `absent`, which does not exist, read `shelf`, list `listed`,
    and do nothing with `private`.
    """
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer('127.0.0.1', 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f'http://{host}:{port}'
    named = dict(zip(('aws_access_key_id', 'aws_secret_access_key'), ROOT, strict=True))
    session = boto3.Session(region_name=REGION, **named)
    iam, s3 = (session.client(name, endpoint_url=address) for name in ('iam', 's3'))
    iam.create_user(UserName='miner')
    key = iam.create_access_key(UserName='miner')['AccessKey']
    allowed = [may('s3:*', each) for each in ('lab', 'absent')]
    allowed += [may('s3:ListBucket', each) for each in ('listed', 'shelf')]
    allowed.append(may('s3:GetObject', 'shelf'))
    policy = json.dumps({'Version': '2012-10-17', 'Statement': allowed})
    iam.put_user_policy(UserName='miner', PolicyName='lab', PolicyDocument=policy)
    for bucket in ('lab', 'listed', 'private', 'shelf'):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key='videos/a.mp4', Body=film.read_bytes())
    answer_without_asking(address, '0')
    yield address, (key['AccessKeyId'], key['SecretAccessKey'])
    answer_without_asking(address, 'inf')
    server.stop()


def answer_without_asking(address: str, requests: str) -> None:
    """Let a server ask for credentials after so many requests."""
    asked = Request(f'{address}/moto-api/reset-auth', requests.encode())
    asked.add_header('Content-Type', 'text/plain')
    urlopen(asked).close()


@pytest.fixture
def user(
    service: tuple[str, tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, str]]:
    """The user's key and secret, which are in the environment as on a machine of his."""
    from s3fs import S3FileSystem

    address, credentials = service
    monkeypatch.setenv('AWS_ENDPOINT_URL', address)
    monkeypatch.setenv('AWS_DEFAULT_REGION', REGION)
    monkeypatch.setenv('AWS_ACCESS_KEY_ID', credentials[0])
    monkeypatch.setenv('AWS_SECRET_ACCESS_KEY', credentials[1])
    S3FileSystem.clear_instance_cache()
    yield credentials
    S3FileSystem.clear_instance_cache()


@pytest.fixture
def asked(red_detector: list[str], film: Path) -> Callable[..., list[str]]:
    """The words of `afformer mine` of the film into an output."""

    def words(output: str, *paths: str) -> list[str]:
        named = paths or (str(film),)
        options = ['--clip-frames', '8', '--stride', '4', *red_detector]
        return ['mine', *named, '--output', output, *options]

    return words


def test_an_index_in_a_bucket_is_that_of_the_disk_and_goes_on(
    user: tuple[str, str],
    asked: Callable[..., list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    here, there = tmp_path / 'mined', Path('s3://lab/some/mined')

    assert main(asked(str(here), 's3://lab/videos')) == 0
    assert main(asked('s3://lab/some/mined', 's3://lab/videos')) == 0

    assert 's3://lab/some/mined/index.json: 6 clips in 1 of 1 videos' in capsys.readouterr().out
    expected = read_index(here / 'index.json')
    assert read_index(there / 'index.json') == expected
    [video] = expected.videos
    clips = ClipTable.open(there / 'index.json')
    assert [clips.window(number) for number in range(len(clips))] == list(video.clips)
    assert clips.video(5) == video
    names = {path.name for path in written_files(there)}
    assert {'index.json', '00000.parquet'} < names
    # What is there is not looked at again.
    monkeypatch.setattr(mining, 'write_part', None)
    assert main(asked('s3://lab/some/mined', 's3://lab/videos')) == 0
    assert {path.name for path in written_files(there)} == names


def test_an_index_in_a_bucket_is_trained_on(
    user: tuple[str, str],
    asked: Callable[..., list[str]],
    film: Path,
    root: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(asked('s3://lab/trained', 's3://lab/videos', str(film))) == 0

    # It names videos of this machine absolutely.
    videos = read_index(Path('s3://lab/trained/index.json')).videos
    assert {video.path for video in videos} == {Path('s3://lab/videos/a.mp4'), film}

    data = MaskAHandData('s3://lab/trained/index.json', input_size=(32, 48), frames=4)

    [example] = data.first_examples(1)
    assert example.demonstration.shape == (4, 32, 48, 3)
    assert len(data.clips) == 12
    # The command takes its URL, too.
    configuration = str(root / 'config' / 'train' / 'maskahand' / 'folder.yaml')
    named = ['--data.index', 's3://lab/nothing/index.json', '--output', str(tmp_path / 'run')]
    assert main(['train', '-c', configuration, *named]) == 1
    assert 'index s3://lab/nothing/index.json cannot be read' in capsys.readouterr().err


REFUSED = '. Check the credentials of this machine and their permissions'


@pytest.mark.parametrize(
    ('changed', 'output', 'failed', 'remedy'),
    [
        (None, 's3://absent/mined', 's3://absent/mined/parts', '. Correct the address'),
        (None, 's3://shelf/mined', 's3://shelf/mined/parts/KEY/00000.parquet', REFUSED),
        ('AWS_SECRET_ACCESS_KEY', 's3://lab/mined', 's3://lab/mined/parts', REFUSED),
    ],
    ids=['no bucket', 'reading allowed', 'another secret'],
)
def test_a_bucket_that_cannot_be_written_is_told(
    user: tuple[str, str],
    red: ModuleType,
    asked: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changed: str | None,
    output: str,
    failed: str,
    remedy: str,
) -> None:
    if changed is not None:
        monkeypatch.setenv(changed, 'AKIAIOSFODNN7EXAMPLE')
    if 'KEY' not in failed:
        # No video is examined before.
        monkeypatch.setattr(red.RedHands, 'detect', lambda *_: pytest.fail('it is examined'))

    assert main(asked(output)) == 1

    told = re.sub('parts/[0-9a-f]{16}', 'parts/KEY', capsys.readouterr().err.splitlines()[-1])
    assert told.startswith(f'afformer: error: {failed} cannot be written: ')
    assert told.endswith(remedy)


@pytest.mark.parametrize(
    ('changed', 'url', 'remedy'),
    [
        ('AWS_ACCESS_KEY_ID', 's3://lab/videos', REFUSED),
        ('AWS_SECRET_ACCESS_KEY', 's3://lab/videos', REFUSED),
        (None, 's3://private/videos', REFUSED),
        (None, 's3://listed/videos/a.mp4', REFUSED),
        (None, 's3://lab/gone.mp4', '. Correct the address'),
        (None, 's3://absent/v', '. Correct the address'),
    ],
    ids=['no such key', 'another secret', 'nothing allowed', 'listing allowed', 'gone', 'absent'],
)
def test_each_refusal_is_told_and_the_rest_is_mined(
    user: tuple[str, str],
    asked: Callable[..., list[str]],
    film: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changed: str | None,
    url: str,
    remedy: str,
) -> None:
    rest = [str(film)]
    if changed is None:
        rest.append('s3://lab/videos')
    else:
        monkeypatch.setenv(changed, 'AKIAIOSFODNN7EXAMPLE')

    assert main(asked(str(tmp_path / 'mined'), url, *rest)) == 1

    index = read_index(tmp_path / 'mined' / 'index.json')
    [(path, reason)] = index.broken
    assert url_of(path) == url
    assert reason.startswith(f'{path.name} cannot be read: ')
    assert reason.endswith(remedy)
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith('afformer:')]
    assert told == [f'afformer: {url}: {reason}']
    assert [len(video.clips) for video in index.videos] == [6] * len(rest)
