# SPDX-License-Identifier: Apache-2.0
"""Media of the benchmark: cut from single files of public repositories, which git downloads.

`entries.json` holds no media. An entry is a pair, or a clip with a marked contact:

- `folder`: name of the folder that it belongs to.
- `annotation`: its entry in the `pairs.json` or `clips.json` of that folder.
- `clip`, and `target` of a pair: the file that it is cut from, and how.
  - `repository`, `commit`, `path`: of the file. A `*` in the last part names a folder of frames.
  - `sha256`: hash of the file, or of all files of a folder in the order of their names.
  - `frames`: first and last frame of the file, from 0; the same frame for an image.
  - `crop`: left, top, right and bottom in pixels, before resizing; absent: the whole frame.
  - `homography`: matrix [3][3] from pixels of the cropped frame to pixels of the image, which
    shows it from another view; absent: the crop is resized.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import av
import cv2
import numpy as np
from mcap.exceptions import McapError
from mcap.reader import make_reader
from numpy.typing import NDArray
from tqdm import tqdm

from afformer_core.errors import AfformerError, DatasetError, VideoError
from afformer_core.files.atomic import write_aside
from afformer_core.media.images import read_image, write_jpeg
from afformer_core.media.video import write_video
from afformer_core.offline.data.readers.contact_clips import CLIPS_FILE
from afformer_core.offline.data.readers.part_pairs import PAIRS_FILE

BenchmarkEntry = Mapping[str, Any]
"""An entry of `entries.json`."""

MediaReference = Mapping[str, Any]
"""The `clip` or `target` of an entry, with the `name`, `size` and `rate` of the result."""

_ENTRIES_FILE = 'entries.json'
_SOURCES = '.sources'
_HOST = 'https://github.com'
# Seconds; git gives up on a connection that delivers less than 1 kB/s for this long.
_PATIENCE = '60'
_VIDEOS = ('.mp4', '.gif', '.webm')
_STEREO = '.svo2'
_START_CODE = b'\0\0\0\1'
_JPEG_QUALITY = 95
_RATE_FACTOR = 16

_Image = NDArray[np.uint8]


class SourceError(AfformerError):
    """A repository, a commit or a file cannot be downloaded."""


class SourceFile(NamedTuple):
    """A file at a commit of a public repository; see `entries.json`."""

    repository: str
    commit: str
    path: str
    sha256: str

    @classmethod
    def of(cls, media: MediaReference) -> SourceFile:
        """Return the file that a clip or an image is cut from."""
        return cls(*(media[name] for name in cls._fields))


def read_entries(text: str | None = None) -> list[BenchmarkEntry]:
    """Read the entries of the benchmark.

    Args:
        text: content in the layout of `entries.json`; None: that of the installed file.
    """
    if text is None:
        text = resources.files(__package__).joinpath(_ENTRIES_FILE).read_text('utf-8')
    return list(json.loads(text)['entries'])


def media_of(entry: BenchmarkEntry) -> list[MediaReference]:
    """Return the references of the clip, and of the target of a pair."""
    annotation = entry['annotation']
    return [
        {
            **entry[kind],
            'name': annotation[kind],
            'size': annotation[f'{kind}_size'],
            'rate': annotation['clip_rate'] if kind == 'clip' else None,
        }
        for kind in ('clip', 'target')
        if entry.get(kind)
    ]


def fetch_benchmark(
    entries: Sequence[BenchmarkEntry], output: Path
) -> tuple[list[BenchmarkEntry], dict[str, str]]:
    """Download the sources of entries, cut their media, and write their folders.

    Media that an interrupted call has already cut are kept. Entries whose source vanished or
    differs are skipped.

    Args:
        entries: entries, at least one.
        output: folder for the folders of the benchmark.

    Returns:
        the complete entries, and the reasons by folder and id of each skipped one.
    """
    problems: dict[SourceFile, str] = {}
    clones = output / _SOURCES
    needed = {
        SourceFile.of(media): None
        for entry in entries
        for media in media_of(entry)
        if not (output / entry['folder'] / media['name']).exists()
    }
    commits = dict.fromkeys((file.repository, file.commit) for file in needed)
    for repository, commit in tqdm(commits, 'sources', unit='repository'):
        files = [f for f in needed if (f.repository, f.commit) == (repository, commit)]
        folder = clones / repository / commit
        problems |= _download(repository, commit, files, folder)
    for entry in tqdm(entries, 'media', unit='pair'):
        for media in media_of(entry):
            file = SourceFile.of(media)
            if file not in problems and (problem := _cut(media, output, entry['folder'])):
                problems[file] = problem
    skipped = {}
    for entry in entries:
        sources = map(SourceFile.of, media_of(entry))
        if problem := next((problems[file] for file in sources if file in problems), ''):
            skipped[_name(entry)] = problem
    complete = [entry for entry in entries if _name(entry) not in skipped]
    _write_annotations(complete, output)
    shutil.rmtree(clones, ignore_errors=True)
    return complete, skipped


def _name(entry: BenchmarkEntry) -> str:
    return f'{entry["folder"]}/{entry["annotation"]["id"]}'


def _download(
    repository: str, commit: str, files: Sequence[SourceFile], folder: Path
) -> dict[SourceFile, str]:
    """Download files of one commit; return the problems of those that are not as expected."""
    where = f'{repository} at {commit[:7]}'
    try:
        _download_files(repository, commit, [file.path for file in files], folder)
    except AfformerError as error:
        return dict.fromkeys(files, f'{where} is not available: {error}')
    problems = {}
    for file in files:
        content = hashlib.sha256()
        try:
            for part in _source_paths(folder, file.path):
                content.update(part.read_bytes())
        except OSError:
            problems[file] = f'{file.path} is not in {where}'
            continue
        if (found := content.hexdigest()) != file.sha256:
            problems[file] = (
                f'{file.path} of {where} has the SHA-256 {found[:12]}; expected {file.sha256[:12]}'
            )
    return problems


def _cut(media: MediaReference, output: Path, folder: str) -> str:
    """Cut a video or a JPEG unless it exists; return the problem, or nothing."""
    path = output / folder / media['name']
    if path.exists():
        return ''
    path.parent.mkdir(parents=True, exist_ok=True)
    root = output / _SOURCES / media['repository'] / media['commit']
    frames = (cut_frame(frame, media) for frame in _source_frames(root, media))
    try:
        if media['rate'] is None:
            write_jpeg(path, next(frames), _JPEG_QUALITY)
        else:
            write_video(path, frames, media['rate'], _RATE_FACTOR)
    except AfformerError as error:
        return str(error)
    return ''


def _write_annotations(entries: Sequence[BenchmarkEntry], output: Path) -> None:
    for folder in dict.fromkeys(entry['folder'] for entry in entries):
        of_folder = [entry for entry in entries if entry['folder'] == folder]
        name = PAIRS_FILE if 'target' in of_folder[0] else CLIPS_FILE
        content = [
            {
                **entry['annotation'],
                'commit': entry['clip']['commit'],
                'source_file': entry['clip']['path'],
            }
            for entry in of_folder
        ]
        text = json.dumps(content, indent=1, ensure_ascii=False) + '\n'
        write_aside(output / folder / name, text.encode())


def _download_files(repository: str, commit: str, paths: Sequence[str], folder: Path) -> None:
    """Download files of a commit into a sparse clone, by git's own configuration.

    The paths are patterns of git's sparse checkout; files of an earlier download are kept.
    """
    if shutil.which('git') is None:
        raise SourceError('git is not installed; the benchmark needs it. Install git')
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / '.git').is_dir():
        _git(folder, 'init', '--quiet')
        _git(folder, 'remote', 'add', 'origin', f'{_HOST}/{repository}')
        _git(folder, 'config', 'remote.origin.promisor', 'true')
        _git(folder, 'config', 'remote.origin.partialclonefilter', 'blob:none')
    patterns = '\n'.join(f'/{_escaped(path)}' for path in paths)
    _git(folder, 'sparse-checkout', 'set', '--no-cone', '--stdin', given=patterns)
    _git(folder, 'fetch', '--quiet', '--depth', '1', '--filter', 'blob:none', 'origin', commit)
    _git(folder, 'checkout', '--quiet', '--force', '--detach', commit)


def _escaped(path: str) -> str:
    """Escape what a pattern of git would not take literally, except `*`."""
    for character in '\\[]?!#':
        path = path.replace(character, f'\\{character}')
    return path.rstrip(' ')


def _git(folder: Path, *arguments: str, given: str | None = None) -> None:
    environment = {
        **os.environ,
        # asks for no password: a repository that vanished looks like a private one
        'GIT_TERMINAL_PROMPT': '0',
        'GIT_HTTP_LOW_SPEED_LIMIT': '1000',
        'GIT_HTTP_LOW_SPEED_TIME': _PATIENCE,
        'GIT_LFS_SKIP_SMUDGE': '1',
        'LC_ALL': 'C',
    }
    done = subprocess.run(
        ['git', *arguments],
        cwd=folder,
        env=environment,
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f'status {done.returncode}']
        causes = [line for line in lines if line.startswith(('error:', 'fatal:', 'remote:'))]
        raise SourceError(f'git {arguments[0]} failed: {(causes or lines)[0]}')


def _source_paths(root: Path, path: str) -> list[Path]:
    """List the files that a path of a `SourceFile` names, in the order of their names."""
    named = root / path
    return sorted(named.parent.glob(named.name)) if '*' in named.name else [named]


def _source_frames(root: Path, media: MediaReference) -> Iterator[_Image]:
    """Read the whole frames of a reference, uint8 RGB [H, W, 3]."""
    first, last = media['frames']
    path = media['path']
    paths = _source_paths(root, path)
    suffix = path[path.rfind('.') :]
    if suffix in _VIDEOS:
        read = _video_frames(paths[0])
    elif suffix == _STEREO:
        read = iter(_stereo_frames(paths[0], last + 1))
    else:
        read = map(read_image, paths)
    count = 0
    for image in islice(read, last + 1):
        count += 1
        if count > first:
            yield image
    if count <= last:
        raise DatasetError(
            f'{path} of {media["repository"]} has {count} frames; {media["name"]} needs {last + 1}'
        )


def _video_frames(path: Path) -> Iterator[_Image]:
    """Decode all frames of a video, also those that its edit list hides."""
    try:
        with av.open(str(path), options={'ignore_editlist': '1'}) as container:
            for frame in container.decode(video=0):
                yield frame.to_ndarray(format='rgb24')
    except av.FFmpegError as error:
        raise VideoError(f'{path} cannot be read as a video: {error}') from error


def _stereo_frames(path: Path, count: int) -> list[_Image]:
    """Decode the first left images of a recording of a ZED camera."""
    decoder = av.CodecContext.create('h264', 'r')
    frames: list[av.VideoFrame] = []
    try:
        with path.open('rb') as file:
            for _, channel, message in make_reader(file).iter_messages():
                if channel.topic.endswith('/side_by_side') and len(frames) < count:
                    start = message.data.find(_START_CODE)
                    frames += decoder.decode(av.Packet(message.data[start:]))
        frames += decoder.decode(None)
    except (McapError, av.FFmpegError) as error:
        raise VideoError(f'{path} cannot be read as a recording of a ZED: {error}') from error
    images = [frame.to_ndarray(format='rgb24') for frame in frames[:count]]
    return [np.asarray(image[:, : image.shape[1] // 2], np.uint8) for image in images]


def cut_frame(frame: _Image, media: MediaReference) -> _Image:
    """Crop a frame, and resize or warp it to the size of the reference."""
    if crop := media.get('crop'):
        left, top, right, bottom = crop
        frame = frame[top:bottom, left:right]
    size = tuple(media['size'])
    if homography := media.get('homography'):
        warped = cv2.warpPerspective(
            frame,
            np.array(homography),
            size,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )
        return np.asarray(warped, np.uint8)
    if size == frame.shape[1::-1]:
        return np.ascontiguousarray(frame)
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)
