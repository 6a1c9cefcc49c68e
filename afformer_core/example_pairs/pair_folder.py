# SPDX-License-Identifier: Apache-2.0
"""Folders of example pairs: real ones under the MIT licence, and rendered ones."""

from __future__ import annotations

import json
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


def real_pairs() -> tuple[ExamplePair, ...]:
    """Return the real pairs of this package; `LICENCES.txt` beside them names their author."""
    return read_pairs(Path(__file__).with_name('real'))


def rendered_pairs() -> tuple[ExamplePair, ...]:
    """Return the rendered pairs of this package: hands over a photograph and in simulation."""
    return read_pairs(Path(__file__).with_name('rendered'))
