# SPDX-License-Identifier: Apache-2.0
"""Datasets of the Hugging Face hub are mined by `hf://`, through what speaks the hub's API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import pytest

from afformer_core.offline.maskahand.sources import find_sources
from afformer_core.offline.maskahand.sources.urls import url_of

from .mined_paths import mine, seen
from .web_server import served

COMMIT = 'a' * 40


class Hub(BaseHTTPRequestHandler):
    """The dataset lab/robot, and lab/gated, whose files are refused."""

    root: Path
    protocol_version = 'HTTP/1.1'

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        _, _, name = path.partition('/resolve/main/')
        if path in ('/api/datasets/lab/robot', '/api/datasets/lab/gated'):
            self._answer({'id': 'lab/robot', 'sha': COMMIT, 'siblings': []})
        elif path.endswith('/tree/main'):
            files = sorted(filter(Path.is_file, self.root.rglob('*')))
            self._answer(list(map(self._described, files)))
        elif name and '/gated/' not in path:
            self._give((self.root / name).read_bytes())
        else:
            self.send_response(403 if name else 404)
            self.send_header('X-Error-Code', 'GatedRepo' if name else 'RepoNotFound')
            self.send_header('Content-Length', '0')
            self.end_headers()

    def _described(self, file: Path) -> dict[str, object]:
        name, size = str(file.relative_to(self.root)), file.stat().st_size
        return {'type': 'file', 'path': name, 'oid': COMMIT, 'size': size}

    def _answer(self, content: object) -> None:
        self._send(200, json.dumps(content).encode())

    def _give(self, content: bytes) -> None:
        asked = self.headers.get('Range')
        if asked is None:
            self._send(200, content)
            return
        first, _, last = asked.removeprefix('bytes=').partition('-')
        self._send(206, content[int(first) : int(last) + 1])

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header('Content-Length', str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(lerobot_dataset: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from huggingface_hub import HfFileSystem, constants

    Hub.root = lerobot_dataset
    with served(Hub) as address:
        template = 'HUGGINGFACE_CO_URL_TEMPLATE'
        files = getattr(constants, template).replace(constants.ENDPOINT, address)
        monkeypatch.setattr(constants, template, files)
        monkeypatch.setattr(constants, 'ENDPOINT', address)
        HfFileSystem.clear_instance_cache()
        yield
        HfFileSystem.clear_instance_cache()


def test_episodes_of_a_dataset_are_those_of_the_disk(
    hub: None, red: ModuleType, lerobot_dataset: Path, tmp_path: Path
) -> None:
    index = mine(red, tmp_path, 'hf://datasets/lab/robot')

    expected = mine(red, tmp_path / 'local', str(lerobot_dataset)).videos
    folder = 'hf://datasets/lab/robot/videos/observation.images.front/chunk-000'
    names = ('file-000.mp4', 'file-000.mp4', 'file-001.mp4')
    assert [url_of(video.path) for video in index.videos] == [f'{folder}/{name}' for name in names]
    assert list(map(seen, index.videos)) == list(map(seen, expected))


def test_a_dataset_that_must_be_asked_for_and_one_that_is_not_there_are_told(hub: None) -> None:
    names = ('gated', 'gone')

    found = find_sources([Path(f'hf://datasets/lab/{name}') for name in names])

    assert found.sources == ()
    told = {path.name: reason for path, reason in found.broken}
    assert told['gated'].endswith('. Check the credentials of this machine and their permissions')
    assert told['gone'].startswith('gone cannot be read: FileNotFoundError')
