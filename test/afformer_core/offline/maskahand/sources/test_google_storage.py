# SPDX-License-Identifier: Apache-2.0
"""Videos in a bucket of Google Cloud Storage are mined, and what cannot be read is told."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

from afformer_core.offline.maskahand.sources import find_sources, open_source
from afformer_core.offline.maskahand.sources.urls import url_of

from .mined_paths import mine, seen
from .web_server import served

pytestmark = pytest.mark.skipif(
    not (find_spec('gcp_storage_emulator') and find_spec('gcsfs')),
    reason='gcp-storage-emulator and gcsfs, which serve and read buckets, are not installed',
)


@pytest.fixture(scope='module')
def emulator(film: Path) -> Iterator[str]:
    """Address of an emulator of the storage whose bucket `lab` holds a video and a cut-off one."""
    from gcp_storage_emulator.server import create_server

    with socket.create_server(('127.0.0.1', 0)) as free:
        port = free.getsockname()[1]
    server = create_server('127.0.0.1', port, in_memory=True, default_bucket='lab')
    server.start()
    yield f'http://127.0.0.1:{port}'
    server.stop()


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """gcsfs without credentials, to be led to a server by STORAGE_EMULATOR_HOST."""
    # Its question for the kind of a bucket goes by gRPC and waits a minute for what only Google
    # answers. It reads the variable as it is imported.
    monkeypatch.setenv('GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT', 'false')
    from gcsfs import GCSFileSystem

    monkeypatch.setattr(GCSFileSystem, 'retries', 1)
    GCSFileSystem.clear_instance_cache()
    yield monkeypatch
    GCSFileSystem.clear_instance_cache()


def test_a_bucket_is_mined_and_what_is_missing_is_told(
    storage: pytest.MonkeyPatch, emulator: str, red: ModuleType, film: Path, tmp_path: Path
) -> None:
    import fsspec

    storage.setenv('STORAGE_EMULATOR_HOST', emulator)
    content = film.read_bytes()
    bucket = fsspec.filesystem('gs', skip_instance_cache=True)
    bucket.pipe({'lab/videos/a.mp4': content, 'lab/cut.mp4': content[: len(content) // 3]})

    urls = ('gs://lab/videos', 'gs://lab/gone.mp4', 'gs://lab/cut.mp4', 'gs://other/a.mp4')
    index = mine(red, tmp_path, *urls)

    [local] = mine(red, tmp_path / 'local', str(film)).videos
    assert [url_of(video.path) for video in index.videos] == ['gs://lab/videos/a.mp4']
    assert seen(index.videos[0]) == seen(local)
    images = open_source(index.videos[0].path).at([2.0, 8.4])
    assert (images == open_source(film).at([2.0, 8.4])).all()
    told = {url_of(path): reason for path, reason in index.broken}
    assert told['gs://lab/gone.mp4'].startswith('gone.mp4 cannot be read: FileNotFoundError')
    assert told['gs://other/a.mp4'].startswith('a.mp4 cannot be read: FileNotFoundError')
    assert 'cannot be read as a video, or is truncated' in told['gs://lab/cut.mp4']
    assert len(told) == 3


class Refusing(BaseHTTPRequestHandler):
    """Answers as the storage does where credentials are unknown, or not enough for a bucket."""

    def do_GET(self) -> None:
        status = 403 if '/private' in self.path else 401
        error = {'error': {'code': status, 'message': 'storage.objects.list is not for you'}}
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(error).encode())

    def log_message(self, *_: object) -> None:
        pass


def test_a_refusal_is_told(storage: pytest.MonkeyPatch) -> None:
    with served(Refusing) as address:
        storage.setenv('STORAGE_EMULATOR_HOST', address)

        found = find_sources([Path('gs://private/videos'), Path('gs://lab/videos')])
    assert found.sources == ()
    assert [url_of(path) for path, _ in found.broken] == ['gs://lab/videos', 'gs://private/videos']
    for _, told in found.broken:
        assert told.startswith('videos cannot be read: ')
        assert told.endswith('. Check the credentials of this machine and their permissions')
