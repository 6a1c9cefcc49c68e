# SPDX-License-Identifier: Apache-2.0
"""OPRA's annotations as released with the paper and by its authors, and simulated ones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from afformer_core.actions import OPRA_ACTIONS
from afformer_core.errors import DatasetError
from afformer_core.files.annotation_files import naming, read_action_names, read_json, read_text
from afformer_core.licences import UNKNOWN
from afformer_core.offline.data.manifest.contents import Manifest, ManifestHeader

_RELEASED_PREFIX = 'datasets/opra/'
_POINTS = 10
_FIELDS = 9 + 2 * _POINTS


def read_opra(path: Path, root: Path | None = None) -> Manifest:
    """Read a JSON list of `{image_path, width, height, actions, heatmaps, video_path}`.

    Actions are counted from 1. Simulated entries also have `scene`, `element`, `elements` and
    `contact`, the first and last frame in which the element is operated (null if none is), and may
    have `contact_point`, its pixel (x, y) in each frame of a clip of `clip_size` (width, height),
    null if it is not in view; entries over photographs have `photograph`, a name that identifies
    the object. Any entry may have `source` and `licence`; without them, it comes from OPRA or the
    simulator.

    Args:
        path: the file. An `actions.json` in the same folder names the actions; without it they are
            OPRA's seven.
        root: folder to which the entries' paths are relative, without the released files' prefix
            `datasets/opra/`; None: the annotations' folder.

    Raises:
        DatasetError: the file is missing or malformed; the message names the entry.
    """
    names = path.with_name('actions.json')
    actions = read_action_names(names) if names.exists() else OPRA_ACTIONS
    header = ManifestHeader(actions=actions, source='OPRA', points_outside=True)
    manifest = Manifest(path, path.parent if root is None else root, header)
    entries = read_json(path)
    if not isinstance(entries, list):
        raise DatasetError(
            f'{path} contains a {type(entries).__name__}; expected a list of entries'
        )
    for number, entry in enumerate(entries):
        position = f'entry {number} of {path}'
        with naming(position):
            manifest.add(
                position,
                *_parts(entry, actions),
                id=f'{path.stem}/{number}',
                clip=entry['video_path'].removeprefix(_RELEASED_PREFIX),
                target=entry['image_path'].removeprefix(_RELEASED_PREFIX),
                target_size=[int(entry['width']), int(entry['height'])],
                scene=_scene(entry),
                contact_frames=entry.get('contact'),
                contact_points=_contact_points(entry),
                object=entry.get('photograph'),
                **_origin(entry),
            )
    return manifest


def read_opra_text(path: Path, root: Path | None = None) -> Manifest:
    """Read `annotations/train.txt` or `annotations/test.txt`, as OPRA's authors release them.

    A line is `channel playlist video start duration image height width action x0 y0 ... x9 y9`,
    the action counted from 1, the points in pixels of an image of that height and width; they may
    lie outside it. Lines of the same clip and image are one sample with several actions, and an
    action may occur twice, as in the JSON form. Empty lines are skipped.

    Args:
        path: the file.
        root: folder of `clips` and `images`; None for the parent of the annotations' folder.

    Raises:
        DatasetError: the file is missing or malformed; the message names the line.
    """
    header = ManifestHeader(actions=OPRA_ACTIONS, source='OPRA', points_outside=True)
    manifest = Manifest(path, path.parent.parent if root is None else root, header)
    samples: dict[tuple[str, str], tuple[list[int], str, list[dict[str, Any]]]] = {}
    for number, text in enumerate(read_text(path).splitlines(), start=1):
        if not text.strip():
            continue
        position = f'line {number} of {path}'
        with naming(position):
            clip, target, size, part = _read_line(text)
            known, _, parts = samples.setdefault((clip, target), (size, position, []))
            if known != size:
                raise ValueError(
                    f'its image is {size[0]}x{size[1]}; expected {known[0]}x{known[1]} as in an '
                    'earlier line of the clip and image'
                )
            parts.append(part)
    for number, ((clip, target), (size, position, parts)) in enumerate(samples.items()):
        name = f'{path.stem}/{number}'
        manifest.add(position, *parts, id=name, clip=clip, target=target, target_size=size)
    return manifest


def _parts(entry: Mapping[str, Any], names: tuple[str, ...]) -> list[dict[str, Any]]:
    actions, points = entry['actions'], entry['heatmaps']
    if len(actions) != len(points):
        raise ValueError(
            f'there are {len(actions)} actions and {len(points)} sets of points; expected one set '
            'for each action'
        )
    return [
        {'action': _action(int(action), names), 'points': of_action}
        for action, of_action in zip(actions, points, strict=True)
    ]


def _action(number: int, names: tuple[str, ...]) -> str:
    if not 1 <= number <= len(names):
        raise ValueError(f'action is {number}; expected 1 to {len(names)}')
    return names[number - 1]


def _origin(entry: Mapping[str, Any]) -> dict[str, str]:
    if 'source' in entry or 'licence' in entry:
        return {name: str(entry.get(name, UNKNOWN)) for name in ('source', 'licence')}
    if 'photograph' in entry:
        return {'source': 'afformer simulate, over photographs'}
    # Scenes and hands are drawn by this project and by packages with permissive licences.
    if 'scene' in entry:
        return {'source': 'afformer simulate', 'licence': 'Apache-2.0'}
    # OPRA's authors do not name a licence; its videos come from YouTube.
    return {}


def _contact_points(entry: Mapping[str, Any]) -> list[list[float] | None] | None:
    if 'contact_point' not in entry:
        return None
    width, height = entry['clip_size']
    return [
        None if point is None else [(point[0] + 0.5) / width, (point[1] + 0.5) / height]
        for point in entry['contact_point']
    ]


def _scene(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    if 'scene' not in entry:
        return None
    elements = entry['elements']
    return {
        'id': entry['scene'],
        'element': entry['element'],
        'polygons': [element['polygon'] for element in elements],
        'kinds': [element['kind'] for element in elements],
        'in_view': [element['in_view'] for element in elements],
    }


def _read_line(text: str) -> tuple[str, str, list[int], dict[str, Any]]:
    """Parse the paths of the clip and of the image, the size of the image, and the part."""
    fields = text.split()
    if len(fields) != _FIELDS:
        raise ValueError(
            f'the number of fields is {len(fields)}; expected {_FIELDS}, separated by spaces'
        )
    channel, playlist, video, start, duration, image, height, width, action = fields[:9]
    # The name of the clip's file contains their text, so 6.50 and 6.5 are different files.
    for seconds in (start, duration):
        _number(seconds)
    size = [int(_number(width)), int(_number(height))]
    if min(size) < 1:
        raise ValueError(f'the image is {size[0]}x{size[1]}; expected sides of at least 1')
    if not action.isdecimal():
        raise ValueError(f'action is {action}; expected 1 to {len(OPRA_ACTIONS)}')
    numbers = [_number(field) for field in fields[9:]]
    product = f'{channel}/{playlist}/{video}'
    return (
        f'clips/{product}/{start}_{duration}.mp4',
        f'images/{product}/{image}',
        size,
        {
            'action': _action(int(action), OPRA_ACTIONS),
            'points': [list(point) for point in zip(numbers[::2], numbers[1::2], strict=True)],
        },
    )


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f'a number is {text!r}; expected a finite one')
    return number
