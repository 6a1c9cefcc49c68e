# SPDX-License-Identifier: Apache-2.0
"""Conversion of EPIC-KITCHENS VISOR to a manifest.

Arrange the files as docs/research/datasets.md describes, and run::

    python examples/converters/visor.py GroundTruth-SparseAnnotations train visor_train.jsonl
"""

import csv
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from afformer_core.cli.convert import write_dataset
from afformer_core.media.images import read_image_size
from afformer_core.offline.data.annotated_dataset import AnnotatedDataset
from afformer_core.offline.data.manifest.contents import Manifest, ManifestHeader, region
from afformer_core.offline.data.polygon_mask import PolygonMask

# Size of the videos and of the masks, if a frame is missing.
_SIZE = (1920, 1080)


class _Frame(NamedTuple):
    """A frame with its segmented entities, and the names of those that a hand touches."""

    file: str
    seconds: float
    entities: list[Any]
    in_contact: set[str]


def main(folder: str, split: str, output: str) -> None:
    """Pair narrated actions on an object that a hand touches with another frame of the object."""
    root = Path(folder)
    tables = root / 'epic-kitchens-100-annotations'
    verbs = {row['id']: row['key'] for row in _rows(tables / 'EPIC_100_verb_classes.csv')}
    header = ManifestHeader(
        actions=tuple(verbs.values()), source='EPIC-KITCHENS VISOR', licence='CC-BY-NC-4.0'
    )
    manifest = Manifest(root, root, header)
    narrations = defaultdict(list)
    for name in ('train', 'validation'):
        for row in _rows(tables / f'EPIC_100_{name}.csv'):
            narrations[row['video_id']].append({**row, 'verb': verbs[row['verb_class']]})
    seconds = json.loads((root / 'frames_to_timestamps.json').read_text())['timestamps']
    for path in sorted((root / 'annotations' / split).glob('P*.json')):
        entries = json.loads(path.read_text())['video_annotations']
        frames = sorted((_frame(entry, seconds) for entry in entries), key=lambda it: it.seconds)
        images = f'rgb_frames/{split}/{path.stem.split("_")[0]}/{path.stem}'
        for action in narrations[path.stem]:
            _add(manifest, images, frames, action)
    write_dataset(AnnotatedDataset(manifest), Path(output))


def _add(manifest: Manifest, images: str, frames: list[_Frame], action: dict[str, str]) -> None:
    begin, end = _seconds(action['start_timestamp']), _seconds(action['stop_timestamp'])
    nouns = json.loads(action['all_noun_classes'])
    during = [frame for frame in frames if begin <= frame.seconds <= end]
    held = {
        entity['name']
        for frame in during
        for entity in frame.entities
        if entity['name'] in frame.in_contact and entity['class_id'] in nouns
    }
    if not held:
        manifest.left_out['no frame of its noun in contact' if during else 'no frame'] += 1
    participant, video = images.split('/')[-2:]
    nested = f'{participant}/videos/{video}.MP4'
    for name in sorted(held):
        outside = [
            (distance, frame.file, mask)
            for frame in frames
            if (distance := max(begin - frame.seconds, frame.seconds - end)) > 0
            and name not in frame.in_contact
            and (mask := _mask(frame, name)) is not None
        ]
        if not outside:
            manifest.left_out['no frame of the object without a hand'] += 1
            continue
        _, file, mask = min(outside, key=lambda target: target[:2])
        image = manifest.root / images / file
        manifest.add(
            action['narration_id'],
            {'action': action['verb'], **region(mask)},
            id=f'{action["narration_id"]}/{name}',
            clip=nested if (manifest.root / nested).is_file() else f'videos/{video}.MP4',
            target=f'{images}/{file}',
            target_size=list(read_image_size(image) if image.is_file() else _SIZE),
            clip_seconds=[begin, end],
            object=f'{video}/{name}',
        )


def _frame(entry: dict[str, Any], seconds: dict[str, float]) -> _Frame:
    entities = entry['annotations']
    by_id = {entity['id']: entity for entity in entities}
    held = (by_id.get(entity.get('in_contact_object')) for entity in entities)
    # A glove on a hand is no object.
    names = {entity['name'] for entity in held if entity and not entity.get('on_which_hand')}
    return _Frame(entry['image']['name'], seconds[entry['image']['name']], entities, names)


def _mask(frame: _Frame, name: str) -> PolygonMask | None:
    """Return the mask of all instances of an object; None if one of them may be missing."""
    named = [entity for entity in frame.entities if entity['name'] == name]
    if not all(entity['exhaustive'] == 'y' for entity in named):
        return None
    # Some segments are empty, or have one or two corners.
    segments = [segment for entity in named for segment in entity['segments'] if len(segment) > 2]
    return (
        PolygonMask(tuple(np.array(segment, float) for segment in segments)) if segments else None
    )


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline='', encoding='utf-8') as file:
        return list(csv.DictReader(file))


def _seconds(timestamp: str) -> float:
    """Convert `00:01:02.50` to 62.5."""
    hours, minutes, seconds = map(float, timestamp.split(':'))
    return 3600 * hours + 60 * minutes + seconds


if __name__ == '__main__':
    main(*sys.argv[1:])
