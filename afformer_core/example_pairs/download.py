# SPDX-License-Identifier: Apache-2.0
"""The download of example pairs into the user's cache folder.

The files belong to their authors and do not come with this package, which has a list of them,
`pairs.json`. Each is compared with its listed SHA-256 before it is decoded.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import ExampleError
from afformer_core.example_pairs.pair_folder import ExamplePair, read_pairs, write_list
from afformer_core.files.atomic import folder_lock
from afformer_core.files.private_files import cache_folder
from afformer_core.media.frame_folder import IMAGE_SUFFIXES
from afformer_core.media.images import read_image, write_image
from afformer_core.media.video import VideoReader, write_video

HOST = 'https://raw.githubusercontent.com'
_LICENCES = 'LICENCES.txt'
# Seconds without an answer after which a download fails.
_PATIENCE = 30.0


def example_folder() -> Path:
    """Folder of the downloaded pairs."""
    return cache_folder() / 'example_pairs'


def downloaded_pairs() -> tuple[ExamplePair, ...]:
    """Return the pairs of the example folder; empty before their download."""
    return read_pairs(example_folder())


def listed_pairs() -> Mapping[str, Any]:
    """Read the list of this package.

    It has `repositories` by `OWNER/NAME`, each with its author, the hash of a commit, a licence as
    an SPDX identifier, and the file of its text; and `pairs`, each with the name of its files, a
    title, a repository, a video and an image. Files have a path in the repository, bytes and
    SHA-256, and may have the first and last of the frames to use, and the left, top, right and
    bottom pixel of a crop, the latter two exclusive.
    """
    listed: Mapping[str, Any] = json.loads(Path(__file__).with_name('pairs.json').read_text())
    return listed


def download_pairs(
    host: str = HOST,
    told: Callable[[str], None] = lambda text: None,
    listed: Mapping[str, Any] | None = None,
) -> tuple[ExamplePair, ...]:
    """Download the pairs unless the example folder has them, which appears when it is complete.

    Args:
        host: address to which `/OWNER/NAME/COMMIT/PATH` is appended.
        told: called with a line for each file that is downloaded.
        listed: the list of the pairs; None: that of this package.

    Raises:
        ExampleError: a file cannot be downloaded, or is another than the listed one.
    """
    folder = example_folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder_lock(folder.parent):
        if not read_pairs(folder):
            with tempfile.TemporaryDirectory(dir=folder.parent) as aside:
                made = Path(aside) / folder.name
                made.mkdir()
                _download_into(made, host.rstrip('/'), told, listed or listed_pairs())
                shutil.rmtree(folder, ignore_errors=True)
                made.rename(folder)
    return downloaded_pairs()


def _download_into(
    folder: Path, host: str, told: Callable[[str], None], listed: Mapping[str, Any]
) -> None:
    """Write the pairs, their titles, and the licences."""
    paths: dict[tuple[str, str], Path] = {}

    def read(repository: str, file: Mapping[str, Any]) -> bytes:
        told(f'{repository}/{file["path"]} ({file["bytes"] / 1e6:.1f} MB)')
        commit = listed['repositories'][repository]['commit']
        return _read(f'{host}/{repository}/{commit}/{file["path"]}', file)

    def path_of(repository: str, file: Mapping[str, Any]) -> Path:
        key = repository, file['path']
        if key not in paths:
            path = folder.parent / f'{len(paths)}{Path(file["path"]).suffix}'
            path.write_bytes(read(repository, file))
            paths[key] = path
        return paths[key]

    made = []
    texts = ['The pairs are cut out of files of these repositories.', '']
    for pair in listed['pairs']:
        repository, name = pair['repository'], pair['name']
        video = path_of(repository, pair['video'])
        with VideoReader(video) as reader:
            rate = reader.rate
        written = ExamplePair(pair['title'], folder / f'{name}.mp4', folder / f'{name}.png')
        write_video(written.video, _frames(video, pair['video']), rate)
        image = next(_frames(path_of(repository, pair['image']), pair['image']))
        write_image(written.image, image)
        made.append(written)
    for repository in dict.fromkeys(pair['repository'] for pair in listed['pairs']):
        about = listed['repositories'][repository]
        names = [pair['name'] for pair in listed['pairs'] if pair['repository'] == repository]
        texts += [
            f'{", ".join(names)}: {repository} at {about["commit"]}',
            f'by {about["author"]}, {about["licence"]}:',
            '',
            read(repository, about['licence_file']).decode(),
        ]
    (folder / _LICENCES).write_text('\n'.join(texts))
    write_list(folder, made)


def _read(address: str, file: Mapping[str, Any]) -> bytes:
    """Download a file, and compare it with the listed one."""
    try:
        with urllib.request.urlopen(address, timeout=_PATIENCE) as answer:
            content: bytes = answer.read(file['bytes'] + 1)
    except (OSError, ValueError) as error:
        raise ExampleError(
            f'{address} cannot be downloaded: {error}. Check the network, or name a mirror: '
            'afformer fetch-examples --host URL'
        ) from error
    if hashlib.sha256(content).hexdigest() != file['sha256']:
        raise ExampleError(
            f'{address} has {len(content)} bytes with another SHA-256 than the listed file; '
            f'expected {file["bytes"]} bytes with {file["sha256"]}. Try again, or name a mirror: '
            'afformer fetch-examples --host URL'
        )
    return content


def _frames(path: Path, file: Mapping[str, Any]) -> Iterator[NDArray[np.uint8]]:
    """Read the listed frames of a video or image, uint8 RGB [H, W, 3] each."""
    left, top, right, bottom = file.get('crop', (None,) * 4)
    cut = slice(top, bottom), slice(left, right)
    if path.suffix.lower() in IMAGE_SUFFIXES:
        yield np.ascontiguousarray(read_image(path)[cut])
        return
    first, last = file.get('frames', (0, None))
    with VideoReader(path) as reader:
        for frame in itertools.islice(reader, first, None if last is None else last + 1):
            yield np.ascontiguousarray(frame.image[cut])
