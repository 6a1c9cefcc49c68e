# SPDX-License-Identifier: Apache-2.0
"""References to the media of the benchmark, and its annotations.

`entries.json` holds no media. For each pair and each clip with a marked contact, it holds the
annotation in the layout of `pairs.json` or `clips.json`, and where its media come from: the
repository, commit, path, SHA-256, frames, and how they are cut.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

ENTRIES_FILE = 'entries.json'

Annotation = Mapping[str, Any]
"""An entry of `pairs.json` or `clips.json`."""


@dataclass(frozen=True)
class SourceFile:
    """A file at a commit of a public repository.

    Attributes:
        repository: owner and name on GitHub.
        commit: full hash of the commit.
        path: path in the repository. A `*` in its last part names a folder of frames.
        sha256: hash of the file, or of all files of a folder one after the other, in the order of
            their names.
    """

    repository: str
    commit: str
    path: str
    sha256: str


@dataclass(frozen=True)
class MediaReference:
    """A clip or an image of the benchmark.

    Attributes:
        name: path of the result in its folder.
        file: file that it is cut from.
        frames: first and last frame of the file, from 0; the same frame for an image.
        crop: left, top, right and bottom in pixels, before resizing; None: the whole frame.
        homography: matrix [3][3] from pixels of the cropped frame to pixels of the image, which
            shows it from another view; None: the crop is resized.
        size: width and height of the result.
        rate: frames per second of a clip; None for an image.
    """

    name: str
    file: SourceFile
    frames: tuple[int, int]
    size: tuple[int, int]
    rate: float | None = None
    crop: tuple[int, int, int, int] | None = None
    homography: tuple[tuple[float, float, float], ...] | None = None


@dataclass(frozen=True)
class BenchmarkEntry:
    """A pair, or a clip with a marked contact.

    Attributes:
        folder: name of the folder that it belongs to.
        annotation: its entry in the folder's `pairs.json` or `clips.json`.
        clip: reference of the clip.
        target: reference of the target image; None for a clip with a marked contact.
    """

    folder: str
    annotation: Annotation
    clip: MediaReference
    target: MediaReference | None = None

    @property
    def media(self) -> Iterator[MediaReference]:
        """The clip, then the target if there is one."""
        yield self.clip
        if self.target is not None:
            yield self.target


def read_entries(text: str | None = None) -> list[BenchmarkEntry]:
    """Read the entries of the benchmark.

    Args:
        text: content in the layout of `entries.json`; None: that of the installed file.
    """
    if text is None:
        text = resources.files(__package__).joinpath(ENTRIES_FILE).read_text('utf-8')
    return [_entry(content) for content in json.loads(text)['entries']]


def _entry(content: Mapping[str, Any]) -> BenchmarkEntry:
    annotation = content['annotation']
    target = content.get('target')
    return BenchmarkEntry(
        content['folder'],
        annotation,
        _media(
            annotation['clip'], content['clip'], annotation['clip_size'], annotation['clip_rate']
        ),
        target and _media(annotation['target'], target, annotation['target_size']),
    )


def _media(
    name: str, content: Mapping[str, Any], size: Sequence[int], rate: float | None = None
) -> MediaReference:
    first, last = content['frames']
    crop, homography = content.get('crop'), content.get('homography')
    return MediaReference(
        name,
        SourceFile(content['repository'], content['commit'], content['path'], content['sha256']),
        (first, last),
        (size[0], size[1]),
        rate,
        None if crop is None else tuple(crop),
        None if homography is None else tuple(map(tuple, homography)),
    )
