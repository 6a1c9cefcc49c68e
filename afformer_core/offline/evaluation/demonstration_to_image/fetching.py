# SPDX-License-Identifier: Apache-2.0
"""Folders of the benchmark with media from their public sources."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from afformer_core.errors import AfformerError
from afformer_core.files.atomic import write_aside
from afformer_core.offline.data.readers.contact_clips import CLIPS_FILE
from afformer_core.offline.data.readers.part_pairs import PAIRS_FILE
from afformer_core.offline.evaluation.demonstration_to_image.entries import (
    BenchmarkEntry,
    MediaReference,
    SourceFile,
)
from afformer_core.offline.evaluation.demonstration_to_image.git_sources import download_files
from afformer_core.offline.evaluation.demonstration_to_image.media_cutting import (
    cut_media,
    hash_source,
)

_SOURCES = '.sources'


@dataclass(frozen=True)
class Fetched:
    """The result of fetching the benchmark.

    Attributes:
        entries: complete entries.
        skipped: reasons by folder and id of each skipped entry.
    """

    entries: Sequence[BenchmarkEntry]
    skipped: dict[str, str]


def fetch_benchmark(entries: Sequence[BenchmarkEntry], output: Path) -> Fetched:
    """Download the sources of entries, cut their media, and write their folders.

    Media that an interrupted call has already cut are kept. Entries whose source vanished or
    differs are skipped.

    Args:
        entries: entries, at least one.
        output: folder for the folders of the benchmark.
    """
    problems: dict[SourceFile, str] = {}
    clones = output / _SOURCES
    needed = {
        media.file: None
        for entry in entries
        for media in entry.media
        if not (output / entry.folder / media.name).exists()
    }
    commits = dict.fromkeys((file.repository, file.commit) for file in needed)
    for repository, commit in tqdm(commits, 'sources', unit='repository'):
        files = [f for f in needed if (f.repository, f.commit) == (repository, commit)]
        folder = clones / repository / commit
        problems |= _download(repository, commit, files, folder)
    for entry in tqdm(entries, 'media', unit='pair'):
        for media in entry.media:
            if media.file not in problems and (problem := _cut(media, output, entry.folder)):
                problems[media.file] = problem
    skipped = {
        f'{entry.folder}/{entry.annotation["id"]}': problem
        for entry in entries
        if (problem := next((problems[m.file] for m in entry.media if m.file in problems), ''))
    }
    complete = [
        entry for entry in entries if f'{entry.folder}/{entry.annotation["id"]}' not in skipped
    ]
    _write_annotations(complete, output)
    shutil.rmtree(clones, ignore_errors=True)
    return Fetched(complete, skipped)


def _download(
    repository: str, commit: str, files: Sequence[SourceFile], folder: Path
) -> dict[SourceFile, str]:
    """Download files of one commit; return the problems of those that are not as expected."""
    where = f'{repository} at {commit[:7]}'
    try:
        download_files(repository, commit, [file.path for file in files], folder)
    except AfformerError as error:
        return dict.fromkeys(files, f'{where} is not available: {error}')
    problems = {}
    for file in files:
        try:
            found = hash_source(folder, file.path)
        except OSError:
            problems[file] = f'{file.path} is not in {where}'
            continue
        if found != file.sha256:
            problems[file] = (
                f'{file.path} of {where} has the SHA-256 {found[:12]}; expected {file.sha256[:12]}'
            )
    return problems


def _cut(media: MediaReference, output: Path, folder: str) -> str:
    """Cut a medium unless it exists; return the problem, or nothing."""
    path = output / folder / media.name
    if path.exists():
        return ''
    file = media.file
    try:
        cut_media(output / _SOURCES / file.repository / file.commit, media, path)
    except AfformerError as error:
        return str(error)
    return ''


def _write_annotations(entries: Sequence[BenchmarkEntry], output: Path) -> None:
    for folder in dict.fromkeys(entry.folder for entry in entries):
        of_folder = [entry for entry in entries if entry.folder == folder]
        name = CLIPS_FILE if of_folder[0].target is None else PAIRS_FILE
        content = [
            {
                **entry.annotation,
                'commit': entry.clip.file.commit,
                'source_file': entry.clip.file.path,
            }
            for entry in of_folder
        ]
        text = json.dumps(content, indent=1, ensure_ascii=False) + '\n'
        write_aside(output / folder / name, text.encode())
