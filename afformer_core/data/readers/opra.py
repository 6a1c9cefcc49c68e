# SPDX-License-Identifier: Apache-2.0
"""OPRA's annotations as released with the paper, and simulated ones in the same form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from afformer_core.data.annotated_dataset import (
    AnnotatedDataset,
    naming,
    read_action_names,
    read_json,
)
from afformer_core.data.sample import KnownElements, Sample
from afformer_core.errors import DatasetError
from afformer_core.licences import UNKNOWN, Origin

OPRA_ACTIONS: tuple[str, ...] = (
    'hold',
    'touch',
    'rotate',
    'push',
    'pull',
    'pick up',
    'put down',
)
# OPRA's authors do not name a licence; its videos come from YouTube.
OPRA_ORIGIN = Origin('OPRA')
# Scenes and hands are drawn by this project and by packages with permissive licences.
SIMULATED_ORIGIN = Origin('afformer simulate', 'Apache-2.0')
_RELEASED_PREFIX = 'datasets/opra/'


class OpraDataset(AnnotatedDataset):
    """The samples of one annotation file, in its order.

    Args:
        annotations: a JSON list of `{image_path, width, height, actions, heatmaps, video_path}`
            with actions counted from 1; simulated ones also have `scene`, `element`, `elements`
            and `contact`, the first and last frame in which the element is operated (null if none
            is), and may have `contact_point`, its pixel (x, y) in each frame of a clip of
            `clip_size` (width, height), null if it is not in view; entries over photographs have
            `photograph`, a name that identifies the object. Any entry may have `source` and
            `licence`; without them, it comes from OPRA or the simulator. An `actions.json` in the
            same folder names the actions; without it they are OPRA's seven.
        root: folder to which the entries' paths are relative, without the released files' prefix
            `datasets/opra/`; None: the annotations' folder.

    Raises:
        DatasetError: the file is missing or malformed; the message names the entry.
    """

    def __init__(self, annotations: Path | str, root: Path | str | None = None) -> None:
        path = Path(annotations)
        names = path.with_name('actions.json')
        super().__init__(
            path,
            path.parent if root is None else Path(root),
            read_action_names(names) if names.exists() else OPRA_ACTIONS,
        )
        entries = read_json(path)
        if not isinstance(entries, list):
            raise DatasetError(
                f'{path} contains a {type(entries).__name__}; expected a list of entries'
            )
        self._samples = [self._read_entry(number, entry) for number, entry in enumerate(entries)]

    def _read_entry(self, number: int, entry: Any) -> Sample:
        with naming(f'entry {number} of {self.annotations}'):
            actions = tuple(int(action) - 1 for action in entry['actions'])
            for action in actions:
                if not 0 <= action < len(self.action_names):
                    raise ValueError(
                        f'action is {action + 1}; expected 1 to {len(self.action_names)}'
                    )
            return Sample(
                sample_id=f'{self.annotations.stem}/{number}',
                video_path=self._media_path(entry['video_path']),
                image_path=self._media_path(entry['image_path']),
                image_size=(int(entry['width']), int(entry['height'])),
                actions=actions,
                points=tuple(np.asarray(points, np.float64) for points in entry['heatmaps']),
                scene=_read_scene(entry) if 'scene' in entry else None,
                contact=_read_contact(entry.get('contact')),
                contact_points=_read_contact_points(entry),
                object_id=entry.get('photograph'),
                origin=_read_origin(entry),
            )

    def _media_path(self, path: str) -> Path:
        return self.root / path.removeprefix(_RELEASED_PREFIX)


def _read_origin(entry: dict[str, Any]) -> Origin:
    if 'source' in entry or 'licence' in entry:
        return Origin(str(entry.get('source', UNKNOWN)), str(entry.get('licence', UNKNOWN)))
    if 'photograph' in entry:
        return Origin('afformer simulate, over photographs')
    return SIMULATED_ORIGIN if 'scene' in entry else OPRA_ORIGIN


def _read_contact(frames: Any) -> tuple[int, int] | None:
    if frames is None:
        return None
    first, last = frames
    return int(first), int(last)


def _read_contact_points(
    entry: dict[str, Any],
) -> tuple[tuple[float, float] | None, ...] | None:
    if 'contact_point' not in entry:
        return None
    width, height = entry['clip_size']
    return tuple(
        None if point is None else ((point[0] + 0.5) / width, (point[1] + 0.5) / height)
        for point in entry['contact_point']
    )


def _read_scene(entry: dict[str, Any]) -> KnownElements:
    elements = entry['elements']
    return KnownElements(
        scene_id=str(entry['scene']),
        element=int(entry['element']),
        polygons=tuple(np.asarray(element['polygon'], np.float64) for element in elements),
        kinds=tuple(str(element['kind']) for element in elements),
        in_view=tuple(bool(element['in_view']) for element in elements),
    )
