# SPDX-License-Identifier: Apache-2.0
"""OPRA's annotations as released with the paper, and simulated ones in the same form."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np

from afformer_core.data.sample import Sample, Scene
from afformer_core.errors import DatasetError

OPRA_ACTIONS: tuple[str, ...] = (
    'hold',
    'touch',
    'rotate',
    'push',
    'pull',
    'pick up',
    'put down',
)
_RELEASED_PREFIX = 'datasets/opra/'


class OpraDataset(Sequence[Sample]):
    """The samples of one annotation file, in its order.

    Opening reads the annotations alone; that the clips and images are there is checked by
    `check_media`, or when they are read.

    Args:
        annotations: a JSON list of `{image_path, width, height, actions, heatmaps, video_path}`
            with actions counted from 1; simulated ones have `scene`, `element` and `elements`
            besides. An `actions.json` in the same folder names the actions; without it they are
            OPRA's seven.
        root: folder that the entries' paths start from; the released files' prefix
            `datasets/opra/` is left out. The annotations' folder where it is None.

    Raises:
        DatasetError: the file is missing or malformed, with the number of the entry.
    """

    def __init__(self, annotations: Path | str, root: Path | str | None = None) -> None:
        self.annotations = Path(annotations)
        self.root = self.annotations.parent if root is None else Path(root)
        names = self.annotations.with_name('actions.json')
        self.action_names = _read_action_names(names) if names.exists() else OPRA_ACTIONS
        entries = _read_json(self.annotations)
        if not isinstance(entries, list):
            raise DatasetError(
                f'{self.annotations} holds a {type(entries).__name__}; a list of entries is wanted'
            )
        self._samples = [self._read_entry(number, entry) for number, entry in enumerate(entries)]

    def __len__(self) -> int:
        return len(self._samples)

    @overload
    def __getitem__(self, index: int) -> Sample: ...

    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...

    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        return self._samples[index]

    def check_media(self) -> None:
        """Make sure that every clip and image is there.

        Raises:
            DatasetError: one is not; names the first such entry, and counts them.
        """
        absent = [
            (sample, path)
            for sample in self._samples
            for path in (sample.video_path, sample.image_path)
            if not path.is_file()
        ]
        if absent:
            sample, path = absent[0]
            raise DatasetError(
                f'entry {sample.sample_id} of {self.annotations} needs {path}, which is not there '
                f'({len(absent)} of {2 * len(self._samples)} files are missing); put the media '
                f'below {self.root} or give another root'
            )

    def _read_entry(self, number: int, entry: Any) -> Sample:
        try:
            actions = tuple(int(action) - 1 for action in entry['actions'])
            for action in actions:
                if not 0 <= action < len(self.action_names):
                    raise ValueError(
                        f'action {action + 1} is not one of 1 to {len(self.action_names)}'
                    )
            return Sample(
                sample_id=f'{self.annotations.stem}/{number}',
                video_path=self._media_path(entry['video_path']),
                image_path=self._media_path(entry['image_path']),
                image_size=(int(entry['width']), int(entry['height'])),
                actions=actions,
                points=tuple(np.asarray(points, np.float64) for points in entry['heatmaps']),
                scene=_read_scene(entry) if 'scene' in entry else None,
            )
        except KeyError as error:
            raise DatasetError(f'entry {number} of {self.annotations} has no {error}') from error
        except (TypeError, ValueError) as error:
            raise DatasetError(f'entry {number} of {self.annotations}: {error}') from error

    def _media_path(self, path: str) -> Path:
        return self.root / path.removeprefix(_RELEASED_PREFIX)


def _read_scene(entry: dict[str, Any]) -> Scene:
    elements = entry['elements']
    return Scene(
        scene_id=str(entry['scene']),
        element=int(entry['element']),
        polygons=tuple(np.asarray(element['polygon'], np.float64) for element in elements),
        kinds=tuple(str(element['kind']) for element in elements),
        in_view=tuple(bool(element['in_view']) for element in elements),
    )


def _read_action_names(path: Path) -> tuple[str, ...]:
    names = _read_json(path)
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise DatasetError(f'{path} must hold a list of action names')
    return tuple(names)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError as error:
        raise DatasetError(f'there is no annotation file {path}') from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DatasetError(f'{path} is not JSON: {error}') from error
