# SPDX-License-Identifier: Apache-2.0
"""The download of example pairs into the user's cache folder.

The files belong to their authors and do not come with this package. Each is compared with its
listed SHA-256 before it is decoded.
"""

from __future__ import annotations

import hashlib
import itertools
import shutil
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import ExampleError
from afformer_core.example_pairs.manifest import (
    ListedPair,
    Repository,
    RepositoryFile,
    listed_pairs,
)
from afformer_core.example_pairs.pair_folder import ExamplePair, read_pairs, write_list
from afformer_core.files.cache_folder import cache_folder
from afformer_core.files.folder_lock import folder_lock
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


def download_pairs(
    host: str = HOST,
    told: Callable[[str], None] = lambda text: None,
    pairs: Sequence[ListedPair] | None = None,
) -> tuple[ExamplePair, ...]:
    """Download the pairs unless the example folder has them, which appears when it is complete.

    Args:
        host: address to which `/OWNER/NAME/COMMIT/PATH` is appended.
        told: called with a line for each file that is downloaded.
        pairs: the pairs; None: those of this package.

    Raises:
        ExampleError: a file cannot be downloaded, or is another than the listed one.
    """
    folder = example_folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder_lock(folder.parent):
        if not read_pairs(folder):
            listed = listed_pairs() if pairs is None else pairs
            with tempfile.TemporaryDirectory(dir=folder.parent) as aside:
                made = Path(aside) / folder.name
                made.mkdir()
                _download_into(made, Path(aside), listed, _Source(host, told))
                shutil.rmtree(folder, ignore_errors=True)
                made.rename(folder)
    return downloaded_pairs()


class _Source:
    """The host of the repositories.

    Args:
        host, told: see `download_pairs`.
    """

    def __init__(self, host: str, told: Callable[[str], None]) -> None:
        self._host = host.rstrip('/')
        self._told = told

    def read(self, repository: Repository, file: RepositoryFile) -> bytes:
        """Download a file, and compare it with the listed one."""
        address = f'{self._host}/{repository.name}/{repository.commit}/{file.path}'
        self._told(f'{repository.name}/{file.path} ({file.bytes / 1e6:.1f} MB)')
        try:
            with urllib.request.urlopen(address, timeout=_PATIENCE) as answer:
                content: bytes = answer.read(file.bytes + 1)
        except (OSError, ValueError) as error:
            raise ExampleError(
                f'{address} cannot be downloaded: {error}. Check the network, or name a '
                'mirror: afformer fetch-examples --host URL'
            ) from error
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise ExampleError(
                f'{address} has {len(content)} bytes with another SHA-256 than the listed file; '
                f'expected {file.bytes} bytes with {file.sha256}. Try again, or name a '
                'mirror: afformer fetch-examples --host URL'
            )
        return content


def _download_into(folder: Path, work: Path, pairs: Sequence[ListedPair], source: _Source) -> None:
    """Write the pairs, their titles, and the licences."""
    paths: dict[tuple[str, str], Path] = {}

    def path_of(repository: Repository, file: RepositoryFile) -> Path:
        key = repository.name, file.path
        if key not in paths:
            path = work / f'{len(paths)}{Path(file.path).suffix}'
            path.write_bytes(source.read(repository, file))
            paths[key] = path
        return paths[key]

    made = []
    for pair in pairs:
        video = path_of(pair.repository, pair.video)
        with VideoReader(video) as reader:
            rate = reader.rate
        written = ExamplePair(pair.title, folder / f'{pair.name}.mp4', folder / f'{pair.name}.png')
        write_video(written.video, _frames(video, pair.video), rate)
        image = next(_frames(path_of(pair.repository, pair.image), pair.image))
        write_image(written.image, image)
        made.append(written)
    repositories = dict.fromkeys(pair.repository for pair in pairs)
    texts = {
        repository: source.read(repository, repository.licence_file).decode()
        for repository in repositories
    }
    (folder / _LICENCES).write_text(_licences(pairs, texts))
    write_list(folder, made)


def _frames(path: Path, file: RepositoryFile) -> Iterator[NDArray[np.uint8]]:
    """Read the listed frames of a video or image, uint8 RGB [H, W, 3] each."""
    if path.suffix.lower() in IMAGE_SUFFIXES:
        yield _cropped(read_image(path), file)
        return
    first, last = file.frames or (0, None)
    with VideoReader(path) as reader:
        for frame in itertools.islice(reader, first, None if last is None else last + 1):
            yield _cropped(frame.image, file)


def _cropped(image: NDArray[np.uint8], file: RepositoryFile) -> NDArray[np.uint8]:
    left, top, right, bottom = file.crop or (0, 0, image.shape[1], image.shape[0])
    return np.ascontiguousarray(image[top:bottom, left:right])


def _licences(pairs: Sequence[ListedPair], texts: dict[Repository, str]) -> str:
    """Describe the source of each pair, with the text of each licence."""
    lines = ['The pairs are cut out of files of these repositories.', '']
    for repository, text in texts.items():
        names = ', '.join(pair.name for pair in pairs if pair.repository == repository)
        lines += [
            f'{names}: {repository.name} at {repository.commit}',
            f'by {repository.author}, {repository.licence}:',
            '',
            text,
        ]
    return '\n'.join(lines)
