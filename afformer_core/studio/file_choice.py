# SPDX-License-Identifier: Apache-2.0
"""Listings of the folders of this machine from which a page may choose files."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from afformer_core.demonstrations.bag_frames import image_topics, is_bag
from afformer_core.errors import AfformerError
from afformer_core.media.frame_folder import IMAGE_SUFFIXES

_VIDEO_SUFFIXES = ('.avi', '.gif', '.m4v', '.mkv', '.mov', '.mp4', '.mpeg', '.mpg', '.webm')
_MOST = 500


class Kind(Enum):
    """Kinds of files that can be chosen."""

    FOLDER = 'folder'
    FRAMES = 'folder of frames'
    VIDEO = 'video'
    BAG = 'bag'
    IMAGE = 'image'


@dataclass(frozen=True)
class Choice:
    """One line of a listing.

    Attributes:
        name: display name.
        path: resolved path; `BAG#TOPIC` for a topic of a bag.
        kind: its kind.
    """

    name: str
    path: Path
    kind: Kind


def list_choices(folder: Path, permitted: tuple[Path, ...]) -> tuple[Choice, ...]:
    """List the choices in a folder, folders first; at most 500 lines.

    Args:
        folder: the folder.
        permitted: resolved folders; files elsewhere, including through links, are left out.

    Raises:
        OSError: the folder no longer exists or cannot be read.
    """
    choices = []
    for path in sorted(folder.iterdir()):
        resolved = path.resolve()
        inside = any(resolved.is_relative_to(permitted_folder) for permitted_folder in permitted)
        if inside and not path.name.startswith('.'):
            choices += _choices(path.name, resolved)
        if len(choices) >= _MOST:
            break
    folders = [choice for choice in choices if choice.kind is Kind.FOLDER]
    return (*folders, *(choice for choice in choices if choice.kind is not Kind.FOLDER))[:_MOST]


def _choices(name: str, path: Path) -> list[Choice]:
    suffix = path.suffix.lower()
    if is_bag(path):
        return _topics(name, path)
    if path.is_dir():
        folder = Choice(name, path, Kind.FOLDER)
        return [folder, Choice(name, path, Kind.FRAMES)] if _holds_frames(path) else [folder]
    if suffix in _VIDEO_SUFFIXES:
        return [Choice(name, path, Kind.VIDEO)]
    if suffix in IMAGE_SUFFIXES:
        return [Choice(name, path, Kind.IMAGE)]
    return []


def _topics(name: str, path: Path) -> list[Choice]:
    try:
        topics = image_topics(path)
    except (AfformerError, OSError):
        return []
    return [Choice(f'{name}#{topic}', Path(f'{path}#{topic}'), Kind.BAG) for topic in topics]


def _holds_frames(path: Path) -> bool:
    try:
        return any(child.suffix.lower() in IMAGE_SUFFIXES for child in path.iterdir())
    except OSError:
        return False
