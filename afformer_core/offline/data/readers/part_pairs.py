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
     "licence": "CC-BY-4.0"}

- `parts`: polygons of (x, y) in pixels of the target, or of `target_size` if the target was
  resized since. A peak inside any of them is right.
- `accepted_actions`: all actions that count as right, including `action`; default: only `action`.
- `kind`: difference between clip and target, a free word by which results are split.
- `source_video`: pairs that share it are not independent: intervals draw them together, and none
  serves as the other video of another. Default: the path of the clip.
- `contact`: frame, from 0, and pixel of the clip where the hand touches. `before`: a frame in
  which the hand does not cover the contact point yet (or not any more), and its pixel there.
- `repository`: origin of clip and target, by which results are split; default: the name of the
  folder.
- `licence`: licence of clip and target; default: the licence in `licence.txt`, as beside pairs
  with points.

Other names are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from afformer_core.files.annotation_files import naming, read_entries
from afformer_core.media.images import read_image_size
from afformer_core.media.polygons import Polygon, inner_points
from afformer_core.offline.data.annotated_dataset import AnnotatedDataset
from afformer_core.offline.data.manifest.contents import (
    Manifest,
    ManifestHeader,
    Outline,
    Size,
    parse,
    region,
)
from afformer_core.offline.data.polygon_mask import PolygonMask
from afformer_core.offline.data.readers.folder_pairs import folder_origin, pair_actions
from afformer_core.offline.data.sample import Sample

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

    @classmethod
    def from_json(cls, name: str, value: Mapping[str, Any]) -> ClipPoint:
        """Convert plain JSON values; other names are ignored.

        Raises:
            KeyError: a field is missing.
            ValueError: a field has an unexpected value.
        """
        point: ClipPoint = parse(name, cls, {key: value[key] for key in ('frame', 'x', 'y')})
        return point


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
    folder: str = ''
    source: str = ''

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
        entries = read_entries(path / PAIRS_FILE, 'pair')
        used = []
        for position, entry in entries.items():
            with naming(position):
                used.append(parse('action', str, entry['action']))
        origin = folder_origin(path)
        # The points of a part that is cut off by the edge may lie beyond it.
        header = ManifestHeader(
            actions=pair_actions(path, used),
            source=origin.source,
            licence=origin.licence,
            points_outside=True,
        )
        manifest = Manifest(path, path if root is None else Path(root), header)
        for position, entry in entries.items():
            with naming(position):
                _add(manifest, position, entry)
        super().__init__(manifest)
        pairs = []
        for (position, entry), sample in zip(entries.items(), self, strict=True):
            with naming(position):
                pairs.append(_pair(entry, sample, path.resolve().name))
        self.pairs = tuple(pairs)


def _add(manifest: Manifest, position: str, entry: Mapping[str, Any]) -> None:
    clip, target = (parse(name, str, entry[name]) for name in ('clip', 'target'))
    size = parse('target_size', Size | None, entry.get('target_size'))
    size = size or read_image_size(manifest.root / target)
    outlines = parse('parts', tuple[Outline, ...], entry['parts'])
    parts = tuple(np.array(outline) for outline in outlines)
    for part in parts:
        if (part.max(0) < 0).any() or (part.min(0) >= size).any():
            raise ValueError(
                f'a part from {part.min(0).tolist()} to {part.max(0).tolist()} lies outside the '
                f'target of {size[0]}x{size[1]}'
            )
    points = np.concatenate([inner_points(part) for part in parts])
    manifest.add(
        position,
        {'action': entry['action'], 'points': points.tolist(), **region(PolygonMask(parts))},
        id=parse('id', str, entry.get('id', f'{clip} on {target}')),
        clip=clip,
        target=target,
        target_size=list(size),
        licence=entry.get('licence'),
    )


def _pair(entry: Mapping[str, Any], sample: Sample, folder: str) -> PartPair:
    accepted = entry.get('accepted_actions') or [entry['action']]
    if entry['action'] not in parse('accepted_actions', tuple[str, ...], accepted):
        raise ValueError(
            f'accepted_actions is {accepted!r}; expected {entry["action"]!r} among texts'
        )
    return PartPair(
        sample,
        sample.masks_by_action[sample.actions[0]].outlines,
        tuple(accepted),
        parse('source_video', str, entry.get('source_video', entry['clip'])),
        parse('kind', str, entry['kind']) if entry.get('kind') else '',
        _clip_point('contact', entry),
        _clip_point('before', entry),
        folder,
        parse('repository', str, entry.get('repository') or folder),
    )


def _clip_point(name: str, entry: Mapping[str, Any]) -> ClipPoint | None:
    if entry.get(name) is None:
        return None
    mark = ClipPoint.from_json(name, entry[name])
    size = parse('clip_size', Size | None, entry.get('clip_size'))
    if size and not (0 <= mark.x < size[0] and 0 <= mark.y < size[1]):
        raise ValueError(
            f'{name} is ({mark.x:g}, {mark.y:g}); expected a pixel of the clip of '
            f'{size[0]}x{size[1]}'
        )
    return mark


def read_pooled_pairs(folders: Sequence[Path], root: Path | None = None) -> list[PartPair]:
    """Read the pairs of folders, in their order.

    With several folders, the name of each pair consists of its folder and its id, and the name of
    a folder is the shortest unique end of its path. Without a given source, the source of a pair
    is the name of its folder.

    Args:
        folders: each with `pairs.json`, at least one.
        root: folder of the media if they are not below the folder of the pairs.

    Raises:
        DatasetError: a folder has no such file, or an entry is malformed.
        ValueError: a folder is given twice.
    """
    names = folder_names(folders)
    return [
        pair if len(names) == 1 else _of_folder(pair, name)
        for name, folder in names.items()
        for pair in PartPairsDataset(folder, root).pairs
    ]


def folder_names(folders: Sequence[Path]) -> dict[str, Path]:
    """Name folders by the shortest unique ends of their paths.

    Raises:
        ValueError: a folder is given twice.
    """
    resolved = [folder.resolve() for folder in folders]
    for number, folder in enumerate(resolved):
        if folder in resolved[:number]:
            raise ValueError(f'{folders[number]} is given twice. Give different folders')
    length = 1
    while len({folder.parts[-length:] for folder in resolved}) < len(resolved):
        length += 1
    names = ['/'.join(folder.parts[-length:]) for folder in resolved]
    return dict(zip(names, folders, strict=True))


def _of_folder(pair: PartPair, name: str) -> PartPair:
    return replace(
        pair,
        sample=replace(pair.sample, sample_id=f'{name}/{pair.sample.sample_id}'),
        folder=name,
        source=name if pair.source == pair.folder else pair.source,
    )
