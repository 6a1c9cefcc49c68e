# SPDX-License-Identifier: Apache-2.0
"""The list of example pairs: files of public repositories, at one commit, with their licences."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class RepositoryFile:
    """A file of a repository.

    Attributes:
        path: its path in the repository.
        bytes: its size.
        sha256: its SHA-256, in hexadecimal.
        frames: first and last frame to use; None: all.
        crop: left, top, right and bottom pixel to use, right and bottom exclusive; None: all.
    """

    path: str
    bytes: int
    sha256: str
    frames: tuple[int, int] | None = None
    crop: tuple[int, int, int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository at one commit.

    Attributes:
        name: `OWNER/NAME`.
        author: holder of the copyright.
        commit: hash of the commit.
        licence: SPDX identifier.
        licence_file: the text of the licence, which its copies must include.
    """

    name: str
    author: str
    commit: str
    licence: str
    licence_file: RepositoryFile


@dataclass(frozen=True, kw_only=True)
class ListedPair:
    """A pair to download: a demonstration, and another image of what it operates.

    Attributes:
        name: name of its files.
        title: title for people.
        repository: repository of both files.
        video, image: the files; of an image with several frames, the first one of `frames`.
    """

    name: str
    title: str
    repository: Repository
    video: RepositoryFile
    image: RepositoryFile


def listed_pairs() -> tuple[ListedPair, ...]:
    """Read the list of this package."""
    content = json.loads(Path(__file__).with_name('pairs.json').read_text())
    repositories = {
        name: Repository(
            name=name, **{**fields, 'licence_file': _repository_file(fields['licence_file'])}
        )
        for name, fields in content['repositories'].items()
    }
    return tuple(
        ListedPair(
            name=fields['name'],
            title=fields['title'],
            repository=repositories[fields['repository']],
            video=_repository_file(fields['video']),
            image=_repository_file(fields['image']),
        )
        for fields in content['pairs']
    )


def _repository_file(fields: Mapping[str, Any]) -> RepositoryFile:
    converted: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
    }
    return RepositoryFile(**converted)
