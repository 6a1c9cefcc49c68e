# SPDX-License-Identifier: Apache-2.0
"""Conversion of HOI4D to a manifest.

Arrange the files as docs/research/datasets.md describes, and run::

    python examples/converters/hoi4d.py hoi4d hoi4d.jsonl
"""

import csv
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from afformer_core.cli.convert import write_dataset
from afformer_core.offline.data.annotated_dataset import AnnotatedDataset
from afformer_core.offline.data.manifest.contents import Manifest, ManifestHeader, region
from afformer_core.offline.data.polygon_mask import PolygonMask

# Labels of the operated parts, by category: the object itself, or all of its parts.
_OBJECT = {
    'C1': (1,), 'C2': (1,), 'C3': (1, 3), 'C4': (1, 3, 4), 'C5': (1,), 'C6': (1, 3), 'C7': (1,),
    'C8': (3,), 'C9': (1, 3), 'C11': (1, 3), 'C12': (1,), 'C13': (1,), 'C14': (1, 3),
    'C17': (1, 3, 4, 5), 'C18': (1, 3, 4), 'C20': (1,),
}  # fmt: skip
# Labels for tasks that operate one part or another object: the screen of a laptop, drawers and
# doors, the ball in a bowl, and a lid.
_PART = {
    ('C3', 'T2'): (1,), ('C4', 'T1'): (4,), ('C4', 'T2'): (1,), ('C4', 'T3'): (1,),
    ('C4', 'T4'): (4,), ('C6', 'T1'): (3,), ('C7', 'T4'): (3,), ('C7', 'T5'): (3,),
    ('C14', 'T1'): (3,),
}  # fmt: skip
_RIGHT_HAND, _LEFT_HAND = 2, {'C8': 6, 'C17': 6, 'C20': 3}
# Masks of most cameras, shifted to fit the images, and masks of the first camera.
_MASKS = ('2Dseg/shift_mask', '2Dseg/mask')
# Number of frames at the start of a sequence, 2 s, that are searched for one without hands.
_FRAMES = 30


def main(folder: str, output: str) -> None:
    """Pair each sequence of a task with a frame of the object in another sequence."""
    root = Path(folder)
    with (root / 'task_definitions.csv').open(newline='', encoding='utf-8') as file:
        tasks = {
            (row['Category ID'], task): row[task].strip()
            for row in csv.DictReader(file)
            for task in ('T1', 'T2', 'T3', 'T4', 'T5', 'T6')
            if row[task].strip() != 'N/A'
        }
    header = ManifestHeader(
        actions=tuple(sorted(set(tasks.values()))), source='HOI4D', licence='CC-BY-NC-4.0'
    )
    manifest = Manifest(root, root, header)
    # Paths such as ZY20210800001/H1/C4/N11/S125/s03/T1: of category 4, object 11 and room 125.
    names = list(dict.fromkeys((root / 'release.txt').read_text().split()))
    objects = defaultdict(list)
    for name in names:
        objects[tuple(name.split('/')[2:4])].append(name)
    for same in objects.values():
        # Those of one object at a time, since a mask takes megabytes.
        bare = [(name, *found) for name in same if (found := _first_without_hands(root, name))]
        for number, name in enumerate(same):
            _add(manifest, name, number, bare, tasks)
    manifest.rows.sort(key=lambda entry: names.index(str(entry.row.id)))
    write_dataset(AnnotatedDataset(manifest), Path(output))


def _add(
    manifest: Manifest,
    name: str,
    number: int,
    bare: list[tuple[str, str, NDArray[np.uint8]]],
    tasks: dict[tuple[str, str], str],
) -> None:
    _, _, category, instance, room, _, task = name.split('/')
    if (category, task) not in tasks or category not in _OBJECT:
        manifest.left_out['unknown task'] += 1
        return
    acted_on = _PART.get((category, task), _OBJECT[category])
    others = [
        target for target in bare if target[0] != name and np.isin(target[2], acted_on).any()
    ]
    if not others:
        manifest.left_out['no image of the object in another sequence'] += 1
        return
    elsewhere = [target for target in others if target[0].split('/')[4] != room]
    chosen = elsewhere or others
    target, frame, labels = chosen[number % len(chosen)]
    manifest.add(
        name,
        {
            'action': tasks[category, task],
            **region(PolygonMask.of_pixels(np.isin(labels, acted_on))),
        },
        id=name,
        clip=f'HOI4D_release/{name}/align_rgb/image.mp4',
        target=f'HOI4D_release/{target}/align_rgb/{frame}.jpg',
        target_size=list(labels.shape[::-1]),
        object=f'{category}/{instance}',
    )


def _first_without_hands(root: Path, name: str) -> tuple[str, NDArray[np.uint8]] | None:
    """Find the number and the labels [height, width] of the first frame whose mask has no hand."""
    hands = (_RIGHT_HAND, _LEFT_HAND.get(name.split('/')[2], _RIGHT_HAND))
    for masks in _MASKS:
        for number in range(_FRAMES):
            path = root / 'HOI4D_annotations' / name / masks / f'{number:05d}.png'
            if path.is_file():
                # Colours are 0 or 128; the three bits of a label are red, green and blue.
                bits = np.asarray(PIL.Image.open(path).convert('RGB')) > 64
                labels = np.asarray(bits @ np.array([1, 2, 4], np.uint8), np.uint8)
                if not np.isin(labels, hands).any():
                    return path.stem, labels
    return None


if __name__ == '__main__':
    main(*sys.argv[1:])
