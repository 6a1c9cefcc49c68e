# SPDX-License-Identifier: Apache-2.0
"""Example pairs that are downloaded from a host of this machine."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from afformer_core.cli.main import main
from afformer_core.errors import ExampleError
from afformer_core.example_pairs.download import download_pairs, downloaded_pairs, listed_pairs
from afformer_core.licences import terms_of
from afformer_core.media.images import read_image
from afformer_core.media.video import read_video

COMMIT = '0123456789abcdef0123456789abcdef01234567'


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    return tmp_path / 'cache' / 'afformer' / 'example_pairs'


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Files of a repository: a GIF whose frames get brighter, an image, and a licence."""
    folder = tmp_path / 'host' / 'ada' / 'taps' / COMMIT
    folder.mkdir(parents=True)
    levels = np.zeros((5, 60, 90, 3), np.uint8)
    levels[:, :, 10:] = np.array((40, 80, 120, 160, 200))[:, None, None, None]
    first, *rest = map(Image.fromarray, levels)
    first.save(folder / 'turn.gif', save_all=True, append_images=rest, duration=100)
    still = np.zeros((40, 50, 3), np.uint8)
    still[12, 34] = (255, 90, 10)
    Image.fromarray(still).save(folder / 'tap.png')
    (folder / 'LICENSE').write_text('Copyright (c) 2019 Ada\n')
    return folder


@pytest.fixture
def host(files: Path, tmp_path: Path) -> Iterator[str]:
    """Address of a server of the files."""
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / 'host'))
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{server.server_port}'
        server.shutdown()


@pytest.fixture
def listed(files: Path) -> dict[str, Any]:
    """A pair of the files: frames 1 to 3 of the GIF without its left edge, and the image."""

    def file(name: str, **part: object) -> dict[str, object]:
        content = (files / name).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        return {'path': name, 'bytes': len(content), 'sha256': digest, **part}

    repository = {
        'author': 'Ada',
        'commit': COMMIT,
        'licence': 'MIT',
        'licence_file': file('LICENSE'),
    }
    pair = {
        'name': 'tap',
        'title': 'Turn the tap',
        'repository': 'ada/taps',
        'video': file('turn.gif', frames=(1, 3), crop=(10, 4, 74, 44)),
        'image': file('tap.png', crop=(30, 10, 50, 40)),
    }
    return {'repositories': {'ada/taps': repository}, 'pairs': [pair]}


def test_the_listed_frames_and_pixels_are_cut_out_once(
    host: str, listed: dict[str, Any], files: Path, cache: Path
) -> None:
    told: list[str] = []
    (pair,) = download_pairs(host, told.append, listed)

    assert told[0] == 'ada/taps/turn.gif (0.0 MB)'
    assert pair.title == 'Turn the tap'
    assert (pair.video, pair.image) == (cache / 'tap.mp4', cache / 'tap.png')
    video = read_video(pair.video)
    assert video.shape == (3, 40, 64, 3)
    assert video.mean((1, 2, 3)) == pytest.approx([80, 120, 160], abs=4)
    image = read_image(pair.image)
    assert image.shape == (30, 20, 3)
    assert image[2, 4].tolist() == [255, 90, 10]
    (files / 'turn.gif').unlink()
    assert download_pairs(host, told.append, listed) == downloaded_pairs() == (pair,)
    assert len(told) == 3
    text = (cache / 'LICENCES.txt').read_text()
    assert f'tap: ada/taps at {COMMIT}\nby Ada, MIT:\n\nCopyright (c) 2019 Ada' in text


def test_another_file_than_the_listed_one_is_refused_and_leaves_nothing(
    host: str, listed: dict[str, Any], files: Path, cache: Path
) -> None:
    content = (files / 'turn.gif').read_bytes()
    (files / 'turn.gif').write_bytes(content[:-1] + b'?')
    with pytest.raises(ExampleError, match=r'turn\.gif has .* another SHA-256'):
        download_pairs(host, listed=listed)
    assert not cache.exists()
    assert downloaded_pairs() == ()


def test_a_host_without_the_files_is_named(
    host: str, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(['fetch-examples', '--host', f'{host}/']) == 1
    error = capsys.readouterr().err
    assert f'{host}/dekuNukem/duckyPad-Pro/' in error
    assert '404' in error
    assert 'name a mirror: afformer fetch-examples --host URL' in error


def test_every_listed_pair_is_of_a_permissive_licence_at_one_commit() -> None:
    listed = listed_pairs()
    assert len({pair['name'] for pair in listed['pairs']}) == len(listed['pairs']) == 5
    for repository in listed['repositories'].values():
        assert terms_of(repository['licence']) == 'permissive'
        assert len(repository['commit']) == 40
        assert repository['author']
