# SPDX-License-Identifier: Apache-2.0
"""The episodes of a LeRobot dataset of version 3, several of which share a video file.

- `meta/info.json`: version, cameras, and the name pattern of their files
- `README.md`: the card, whose header names the licence
- `meta/episodes/chunk-000/file-000.parquet`: one row per episode, with its file and its part of
  the file
- `videos/CAMERA/chunk-000/file-000.mp4`
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from afformer_core.errors import VideoError
from afformer_core.licences import UNKNOWN, Origin
from afformer_core.offline.maskahand.sources.urls import address, open_file
from afformer_core.offline.maskahand.sources.video_file import PART_MARK, VideoPart

INFO = Path('meta') / 'info.json'
_EPISODES = Path('meta') / 'episodes'
_CARD = 'README.md'
_FIELDS = ('chunk_index', 'file_index', 'from_timestamp', 'to_timestamp')


def is_lerobot(folder: Path) -> bool:
    """Check whether a folder with the file `INFO` is a LeRobot dataset of version 3.

    One at a URL that cannot be read may be, so that the listing of its episodes reports it.
    """
    try:
        info = _info(folder)
    except VideoError:
        return True
    except (OSError, ValueError):
        return False
    return isinstance(info, dict) and str(info.get('codebase_version', '')).startswith('v3')


def lerobot_episodes(folder: Path, files: Iterable[Path]) -> list[VideoPart]:
    """List the episodes of a dataset for each of its colour cameras.

    Args:
        folder: path of the dataset, or of its URL (see `urls`).
        files: all files in it and below; others are ignored.

    Raises:
        VideoError: the description of the dataset is damaged, or cannot be read.
    """
    tables = [
        file for file in files if folder / _EPISODES in file.parents and file.suffix == '.parquet'
    ]
    try:
        info = _info(folder)
        cameras = [name for name, feature in info['features'].items() if _shows_colour(feature)]
        rows = _rows(tables, cameras)
        origin = Origin(folder.name, _licence(folder, info))
        return [
            _episode(folder, info['video_path'], camera, row, origin)
            for row in rows
            for camera in cameras
        ]
    except (OSError, pa.ArrowException, AttributeError, KeyError, TypeError, ValueError) as error:
        told = ' '.join(f'{type(error).__name__}: {error}'.split())
        raise VideoError(
            f'the LeRobot dataset {address(folder)} is damaged: {told}. Download it again'
        ) from error


def _licence(folder: Path, info: dict[str, Any]) -> str:
    """Return the licence in the card of a dataset, or in its description."""
    try:
        with open_file(folder / _CARD) as file:
            card = (file.read() or b'').decode(errors='replace')
    except (OSError, VideoError):
        card = ''
    header = card.split('---')[1] if card.startswith('---') else ''
    try:
        named = yaml.safe_load(header)
    except yaml.YAMLError:
        named = None
    found = named.get('license') if isinstance(named, dict) else None
    licence = str(found or info.get('license') or UNKNOWN).strip()
    return licence.splitlines()[0] if licence else UNKNOWN


def _shows_colour(feature: dict[str, Any]) -> bool:
    """Check the mark of depth cameras, whose name and position differ between releases."""
    described = [feature.get(name) or {} for name in ('info', 'video_info')]
    marks = ('is_depth_map', 'video.is_depth_map')
    is_depth = any(description.get(mark) for description in described for mark in marks)
    return feature.get('dtype') == 'video' and not is_depth


def _info(folder: Path) -> Any:
    with open_file(folder / INFO) as file:
        return json.loads(file.read() or b'')


def _rows(tables: list[Path], cameras: list[str]) -> list[dict[str, Any]]:
    columns = [f'videos/{camera}/{field}' for camera in cameras for field in _FIELDS]
    if not tables:
        raise ValueError(f'{_EPISODES} contains no Parquet file')
    rows = []
    for path in tables:
        with open_file(path) as file:
            rows += pq.read_table(file, columns=columns).to_pylist()
    return rows


def _episode(
    folder: Path, template: str, camera: str, row: dict[str, Any], origin: Origin
) -> VideoPart:
    chunk, file, begin, end = (row[f'videos/{camera}/{field}'] for field in _FIELDS)
    name = template.format(video_key=camera, chunk_index=chunk, file_index=file)
    topic = f'{PART_MARK}{float(begin)!r},{float(end)!r}'
    return VideoPart(folder / name, topic, origin=origin)
