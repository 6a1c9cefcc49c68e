# SPDX-License-Identifier: Apache-2.0
"""A public repository on this disk, which git fetches over file://, and references into it."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from afformer_core.media.images import write_image
from afformer_core.media.video import write_video
from afformer_core.offline.evaluation.demonstration_to_image.fetching import (
    BenchmarkEntry,
    read_entries,
)


def shade(index: int) -> np.ndarray:
    """Frame of 96x64 whose left third is dark and whose red rises by 20 a frame."""
    image = np.full((64, 96, 3), (20 * index + 30, 90, 160), np.uint8)
    image[:, :32] = 10
    return image


def git(folder: Path, *arguments: str) -> str:
    """Run git, and return what it prints."""
    return subprocess.run(
        ['git', '-c', 'user.name=A', '-c', 'user.email=a@b.c', *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


@pytest.fixture(scope='session')
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the repository `someone/kitchen`, whose files were removed later."""
    folder = tmp_path_factory.mktemp('public')
    repository = folder / 'someone' / 'kitchen'
    (repository / 'frames').mkdir(parents=True)
    git(repository, 'init', '--quiet', '--initial-branch', 'main')
    write_video(repository / 'open [1].mp4', map(shade, range(10)), 10.0, 4)
    for number in range(4):
        write_image(repository / 'frames' / f'{number:02d}.png', shade(2 * number))
    (repository / 'big.bin').write_bytes(b'never downloaded')
    git(repository, 'add', '.')
    git(repository, 'commit', '--quiet', '--message', 'media')
    git(repository, 'rm', '--quiet', '-r', 'frames')
    git(repository, 'commit', '--quiet', '--message', 'removed')
    return folder


@pytest.fixture(autouse=True)
def _git_finds_it(
    public: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path_factory.mktemp('git') / 'config'
    settings.write_text(
        f'[url "file://{public}/"]\n insteadOf = https://github.com/\n'
        '[uploadpack]\n allowFilter = true\n allowAnySHA1InWant = true\n'
    )
    monkeypatch.setenv('GIT_CONFIG_GLOBAL', str(settings))


@pytest.fixture
def entries(public: Path) -> list[BenchmarkEntry]:
    """A pair of a clip and a crop of a frame, and a clip with a marked contact."""
    repository = public / 'someone' / 'kitchen'
    commit = git(repository, 'rev-parse', 'HEAD~1')
    sha256 = hashlib.sha256((repository / 'open [1].mp4').read_bytes()).hexdigest()
    frames = [git_file(repository, f'{commit}:frames/{number:02d}.png') for number in range(4)]
    video = {
        'repository': 'someone/kitchen',
        'commit': commit,
        'path': 'open [1].mp4',
        'sha256': sha256,
    }
    folder = {
        **video,
        'path': 'frames/*.png',
        'sha256': hashlib.sha256(b''.join(frames)).hexdigest(),
    }
    pair = {
        'id': 'drawer',
        'clip': 'clips/drawer.mp4',
        'target': 'targets/drawer.jpg',
        'parts': [[[12, 3], [21, 3], [21, 14], [12, 14]]],
        'action': 'pull',
        'clip_size': [48, 32],
        'clip_rate': 5.0,
        'target_size': [30, 20],
        'source_video': 'kitchen',
        'before': {'frame': 1, 'x': 30, 'y': 9},
        'repository': 'someone/kitchen',
    }
    contact = {
        'id': 'cup',
        'clip': 'clips/cup.mp4',
        'clip_size': [96, 64],
        'clip_rate': 4.0,
        'contact': {'frame': 1, 'x': 70, 'y': 20},
    }
    content = [
        {
            'folder': 'first',
            'annotation': pair,
            'clip': {**video, 'frames': [3, 6]},
            'target': {**folder, 'frames': [2, 2], 'crop': [32, 4, 92, 44]},
        },
        {'folder': 'contact', 'annotation': contact, 'clip': {**folder, 'frames': [1, 3]}},
    ]
    return read_entries(json.dumps({'entries': content}))


def git_file(repository: Path, name: str) -> bytes:
    """Content of a file at a commit."""
    command = ['git', 'cat-file', 'blob', name]
    return subprocess.run(command, cwd=repository, check=True, capture_output=True).stdout
