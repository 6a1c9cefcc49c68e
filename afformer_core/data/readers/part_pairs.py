# SPDX-License-Identifier: Apache-2.0
"""Pairs with outlined parts: a clip, an image, and the right parts of the image.

    my_real_pairs/
      pairs.json                     a list with one object a pair
      actions.txt                    optional: as in a folder of pairs with points
      clips/open_drawer.mp4          media, at the paths that `pairs.json` names
      targets/kitchen.jpg

An object of `pairs.json`; only the first four names are required:

    {"clip": "clips/open_drawer.mp4", "target": "targets/kitchen.jpg",
     "parts": [[[515, 160], [610, 155], [612, 235]]], "action": "pull",
     "id": "drawer_1", "accepted_actions": ["pull", "hold"], "kind": "other-scene",
     "source_video": "kitchen_tour", "target_size": [960, 624], "clip_size": [640, 360],
     "before": {"frame": 0, "x": 292, "y": 48}, "contact": {"frame": 45, "x": 290, "y": 45},
     "robot": false, "licence": "CC-BY-4.0"}

- `parts`: polygons of (x, y) in pixels of the target, or of `target_size` if the target was
  resized since. A peak inside any of them is right.
- `accepted_actions`: all actions that count as right, including `action`; default: only `action`.
- `kind`: difference between clip and target, a free word by which tables are split.
- `source_video`: pairs that share it are not independent: intervals draw them together, and none
  serves as the other video of another. Default: the path of the clip.
- `contact`: frame, from 0, and pixel of the clip where the hand touches. `before`: a frame in
  which the hand does not cover the contact point yet (or not any more), and its pixel there.
- `repository`: origin of clip and target, by which results are split; default: the name of the
  folder.
- `robot`: whether a robot is visible in the target.
- `licence`: licence of clip and target; default: the licence in `licence.txt`, as beside pairs
  with points.

Other names are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from afformer_core.data.annotated_dataset import AnnotatedDataset
from afformer_core.data.annotation_files import naming, read_json
from afformer_core.data.manifest.contents import Manifest, ManifestHeader, region
from afformer_core.data.polygon_mask import PolygonMask
from afformer_core.data.readers.folder_pairs import folder_origin, pair_actions
from afformer_core.data.sample import Sample
from afformer_core.errors import DatasetError
from afformer_core.media.images import read_image_size
from afformer_core.media.polygons import Polygon, inner_points

PAIRS_FILE = 'pairs.json'


@dataclass(frozen=True)
class ClipPoint:
    """A point in a frame of a clip.

    Attributes:
        frame: number of the frame, from 0.
        x, y: pixel of the frame; the first pixel's centre is (0, 0).
    """

    frame: int
    x: float
    y: float

    def __post_init__(self) -> None:
        if self.frame < 0 or not np.isfinite((self.x, self.y)).all():
            raise ValueError(
                f'frame {self.frame} and pixel ({self.x}, {self.y}) are not a point in a clip; '
                'expected a frame from 0 and finite pixels'
            )


@dataclass(frozen=True)
class PartPair:
    """A demonstration, a target image, and the right parts of it.

    Attributes:
        sample: the pair without its parts; its points are the parts' centres and the points
            halfway to their corners.
        parts: outlines, float64 [K, 2] (x, y) pixels of the sample's `image_size`; at least one.
        accepted_actions: names, at least one.
        source_video: video from which the clip was cut.
        kind: difference between clip and target; empty: unknown.
        contact: contact of the hand, or None.
        before: the same point while no hand covers it, or None.
        robot: whether the target shows a robot; None: unknown.
        folder: name of its folder.
        source: origin of clip and target; the name of the folder if that is not given.
    """

    sample: Sample
    parts: tuple[Polygon, ...]
    accepted_actions: tuple[str, ...]
    source_video: str
    kind: str = ''
    contact: ClipPoint | None = None
    before: ClipPoint | None = None
    robot: bool | None = None
    folder: str = ''
    source: str = ''

    def __post_init__(self) -> None:
        if not self.parts or not self.accepted_actions:
            raise ValueError(
                f'{self.sample.sample_id} has {len(self.parts)} parts and '
                f'{len(self.accepted_actions)} accepted actions; expected at least one of each'
            )

    @property
    def marked(self) -> ClipPoint | None:
        """The marked contact of the demonstration, in a frame without a hand if known."""
        return self.before or self.contact

    @property
    def group(self) -> tuple[str, str]:
        """Source and source video, which dependent pairs share."""
        return self.source, self.source_video


class PartPairsDataset(AnnotatedDataset):
    """The pairs of a folder in the layout of this module.

    Opening reads `pairs.json`, and the headers of images without `target_size`; `find_problems`
    checks the media.

    Args:
        folder: with `pairs.json`.
        root: folder of the media if they do not lie below it.

    Raises:
        DatasetError: there is no such file, or an entry is malformed, with its name.

    Attributes:
        pairs: pairs in the order of the file, with the samples of the dataset.
    """

    def __init__(self, folder: Path | str, root: Path | str | None = None) -> None:
        path = Path(folder)
        content = read_json(path / PAIRS_FILE)
        if not isinstance(content, list) or not content:
            raise DatasetError(f'{path / PAIRS_FILE} must hold a list of at least one pair')
        entries = [
            _Entry(fields, f'pair {number} of {path / PAIRS_FILE}')
            for number, fields in enumerate(content)
        ]
        actions = pair_actions(path, (entry.text('action') for entry in entries))
        origin = folder_origin(path)
        # The points of a part that is cut off by the edge may lie beyond it.
        header = ManifestHeader(
            actions=actions, source=origin.source, licence=origin.licence, points_outside=True
        )
        manifest = Manifest(path, path if root is None else Path(root), header)
        names = [entry.sample_id for entry in entries]
        if twice := [name for name in names if names.count(name) > 1]:
            raise DatasetError(f'{path / PAIRS_FILE} has two pairs {twice[0]!r}; rename one')
        for entry in entries:
            _add(manifest, entry)
        super().__init__(manifest)
        self.pairs = tuple(
            _pair(entry, sample, path.resolve().name)
            for entry, sample in zip(entries, self, strict=True)
        )


class _Entry:
    """An entry of the file, which every error names."""

    def __init__(self, content: Any, name: str) -> None:
        if not isinstance(content, dict):
            raise DatasetError(f'{name} is {content!r}; expected an object')
        self.content: Mapping[str, Any] = content
        self.name = f'{name} ({content["id"]})' if 'id' in content else name

    def text(self, key: str, default: str | None = None) -> str:
        with naming(self.name):
            value = self.content[key] if default is None else self.content.get(key, default)
            if not isinstance(value, str) or not (value or default == ''):
                raise ValueError(f'{key} is {value!r}; expected text')
        return value

    @property
    def sample_id(self) -> str:
        return self.text('id', f'{self.text("clip")} on {self.text("target")}')

    def size(self, key: str) -> tuple[int, int] | None:
        value = self.content.get(key)
        if value is None:
            return None
        with naming(self.name):
            width, height = value
            if not (isinstance(width, int) and isinstance(height, int) and min(value) > 0):
                raise ValueError(f'{key} is {value!r}; expected [width, height]')
        return width, height

    def clip_point(self, key: str) -> ClipPoint | None:
        value = self.content.get(key)
        if value is None:
            return None
        with naming(f'{key} of {self.name}'):
            frame = value['frame']
            if not isinstance(frame, int):
                raise ValueError(f'frame is {frame!r}; expected a whole number')
            clip_point = ClipPoint(frame, float(value['x']), float(value['y']))
            size = self.size('clip_size')
            if size and not (0 <= clip_point.x < size[0] and 0 <= clip_point.y < size[1]):
                raise ValueError(
                    f'({clip_point.x:g}, {clip_point.y:g}) lies outside the clip of '
                    f'{size[0]}x{size[1]}'
                )
        return clip_point

    def parts(self, size: tuple[int, int]) -> tuple[Polygon, ...]:
        with naming(self.name):
            parts = tuple(np.array(outline, np.float64) for outline in self.content['parts'])
            if not parts:
                raise ValueError('parts is empty; outline at least one part')
            for part in parts:
                _require_outline(part, size)
        return parts


def _add(manifest: Manifest, entry: _Entry) -> None:
    action = entry.text('action')
    with naming(entry.name):
        size = entry.size('target_size') or read_image_size(manifest.root / entry.text('target'))
    parts = entry.parts(size)
    points = np.concatenate([inner_points(part) for part in parts])
    manifest.add(
        entry.name,
        {'action': action, 'points': points.tolist(), **region(PolygonMask(parts))},
        id=entry.sample_id,
        clip=entry.text('clip'),
        target=entry.text('target'),
        target_size=list(size),
        licence=entry.content.get('licence'),
    )


def _pair(entry: _Entry, sample: Sample, folder: str) -> PartPair:
    action = entry.text('action')
    with naming(entry.name):
        accepted = entry.content.get('accepted_actions') or [action]
        if action not in accepted or not all(isinstance(name, str) for name in accepted):
            raise ValueError(f'accepted_actions is {accepted!r}; expected {action!r} among texts')
        robot = entry.content.get('robot')
        if robot is not None and not isinstance(robot, bool):
            raise ValueError(f'robot is {robot!r}; expected true or false')
        return PartPair(
            sample,
            sample.masks_by_action[sample.actions[0]].outlines,
            tuple(accepted),
            entry.text('source_video', entry.text('clip')),
            entry.text('kind', ''),
            entry.clip_point('contact'),
            entry.clip_point('before'),
            robot,
            folder,
            entry.text('repository', '') or folder,
        )


def _require_outline(part: Polygon, size: tuple[int, int]) -> None:
    if part.ndim != 2 or part.shape[1] != 2 or len(part) < 3 or not np.isfinite(part).all():
        raise ValueError(
            f'a part has shape {part.shape}; expected at least 3 corners (x, y), finite'
        )
    if (part.max(0) < 0).any() or (part.min(0) >= size).any():
        raise ValueError(
            f'a part from {part.min(0).tolist()} to {part.max(0).tolist()} lies outside the '
            f'target of {size[0]}x{size[1]}'
        )
