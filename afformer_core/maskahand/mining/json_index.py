# SPDX-License-Identifier: Apache-2.0
"""Indexes of a single JSON file, with all videos in it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from afformer_core.maskahand.mining.hands_json import hands_from_json
from afformer_core.maskahand.mining.mined_video import HandIndex, MinedVideo
from afformer_core.maskahand.sources.urls import url_of

VERSION = 1


def json_index(fields: Mapping[str, Any], folder: Path) -> HandIndex:
    """Convert the fields of the file to an index.

    Args:
        fields: content of the file.
        folder: folder of the file, to which its paths are relative.

    Raises:
        AttributeError, KeyError, TypeError, ValueError: the file is damaged.
    """
    return HandIndex(
        dict(fields['settings']),
        float(fields['interaction_score']),
        tuple(_video(each, folder) for each in fields['videos']),
        tuple((absolute(each['path'], folder), each['reason']) for each in fields['broken']),
    )


def _video(fields: Mapping[str, Any], folder: Path) -> MinedVideo:
    width, height = fields['size']
    return MinedVideo(
        absolute(fields['path'], folder),
        str(fields['topic']),
        (int(width), int(height)),
        tuple(map(float, fields['times'])),
        hands_from_json(fields['hands']),
        tuple((int(first), int(last)) for first, last in fields['clips']),
    )


def absolute(path: str, folder: Path) -> Path:
    """Return the path of a video, given as an index names it."""
    return Path(path) if url_of(Path(path)) else Path(os.path.normpath(folder / path))


def relative(path: Path, folder: Path) -> str:
    """Return the path of a video as an index in a folder names it."""
    return url_of(path) or Path(os.path.relpath(path, folder)).as_posix()
