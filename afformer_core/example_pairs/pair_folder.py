# SPDX-License-Identifier: Apache-2.0
"""Folders of example pairs: the rendered pairs of this package, and downloaded real ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_LIST = 'examples.json'


@dataclass(frozen=True)
class ExamplePair:
    """A pair on disk: title, video of the demonstration, and image."""

    title: str
    video: Path
    image: Path


def read_pairs(folder: Path) -> tuple[ExamplePair, ...]:
    """Read the pairs of a folder; empty if it has none."""
    try:
        listed = json.loads((folder / _LIST).read_text())
    except FileNotFoundError:
        return ()
    return tuple(
        ExamplePair(fields['title'], folder / fields['video'], folder / fields['image'])
        for fields in listed
    )


def write_list(folder: Path, pairs: Sequence[ExamplePair]) -> None:
    """List the pairs of a folder, which contains their files."""
    listed = [
        {'title': pair.title, 'video': pair.video.name, 'image': pair.image.name} for pair in pairs
    ]
    (folder / _LIST).write_text(json.dumps(listed, indent=2) + '\n')


def rendered_pairs() -> tuple[ExamplePair, ...]:
    """Return the pairs of this package: rendered hands, over a photograph and in simulation."""
    return read_pairs(Path(__file__).with_name('rendered'))
