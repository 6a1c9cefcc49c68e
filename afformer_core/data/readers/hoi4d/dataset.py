# SPDX-License-Identifier: Apache-2.0
"""HOI4D as demonstrations of a task, and images of the same object in another sequence.

hoi4d/
release.txt                                   of HOI4D-Instructions: one sequence per line
task_definitions.csv                          its definitions/task/task_definitions.csv
HOI4D_release/ZY2021080000*/H*/C*/N*/S*/s*/T*/
align_rgb/image.mp4, 00000.jpg, ...         images by its utils/decode.py
HOI4D_annotations/ZY2021080000*/H*/C*/N*/S*/s*/T*/
2Dseg/mask/00000.png ...                    or 2Dseg/shift_mask
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.data.annotation_files import naming, read_text
from afformer_core.data.manifest.contents import Manifest, ManifestHeader, region
from afformer_core.data.polygon_mask import PolygonMask
from afformer_core.data.readers.hoi4d.sequence import RELEASE, Sequence

TASKS_FILE, SEQUENCES_FILE = 'task_definitions.csv', 'release.txt'

# Labels of the operated parts, by category: the object itself, or all of its parts.
_OBJECT: Mapping[int, tuple[int, ...]] = {
    1: (1,), 2: (1,), 3: (1, 3), 4: (1, 3, 4), 5: (1,), 6: (1, 3), 7: (1,), 8: (3,), 9: (1, 3),
    11: (1, 3), 12: (1,), 13: (1,), 14: (1, 3), 17: (1, 3, 4, 5), 18: (1, 3, 4), 20: (1,),
}  # fmt: skip
# Labels for tasks that operate one part or another object: the screen of a laptop, drawers and
# doors, the ball in a bowl, and a lid.
_PART: Mapping[tuple[int, int], tuple[int, ...]] = {
    (3, 2): (1,), (4, 1): (4,), (4, 2): (1,), (4, 3): (1,), (4, 4): (4,), (6, 1): (3,),
    (7, 4): (3,), (7, 5): (3,), (14, 1): (3,),
}  # fmt: skip

Bare = tuple[Sequence, str, NDArray[np.uint8]]
"""A sequence, the number of a frame without hands, and the labels of its mask."""


def read_hoi4d(path: Path, root: Path | None = None) -> Manifest:
    """Read sequences of tasks, each with an image of the same object in another sequence.

    The demonstration is a whole sequence, 20 s. The target image is a frame at the start of
    another sequence of the same object, without hands, whose mask shows the operated part. Several
    demonstrations of an object use such sequences in turn, starting with those in another room.
    The actions are the names of the tasks. Sequences without masks are not used as targets.
    Samples are in the order of the file. All masks are read.

    Args:
        path: `release.txt`, or part of it.
        root: folder of the files above; None for the folder of `release.txt`.

    Raises:
        DatasetError: a file is missing or malformed.
    """
    folder = path.parent if root is None else root
    tasks = _read_tasks(folder / TASKS_FILE)
    header = ManifestHeader(
        actions=tuple(sorted(set(tasks.values()))), source='HOI4D', licence='CC-BY-NC-4.0'
    )
    manifest = Manifest(path, folder, header)
    sequences = _read_sequences(path)
    objects: defaultdict[tuple[int, int], list[Sequence]] = defaultdict(list)
    for sequence in sequences:
        objects[sequence.category, sequence.instance].append(sequence)
    for same in objects.values():
        # Those of one object at a time, since a mask takes megabytes.
        bare = [
            (sequence, *found)
            for sequence in same
            if (found := sequence.first_without_hands(folder)) is not None
        ]
        for number, sequence in enumerate(same):
            _add(manifest, sequence, number, bare, tasks)
    order = {sequence.name: number for number, sequence in enumerate(sequences)}
    manifest.rows.sort(key=lambda entry: order[str(entry.row.id)])
    return manifest


def _add(
    manifest: Manifest,
    sequence: Sequence,
    number: int,
    bare: list[Bare],
    tasks: Mapping[tuple[int, int], str],
) -> None:
    key = sequence.category, sequence.task
    if key not in tasks or sequence.category not in _OBJECT:
        manifest.left_out['unknown task'] += 1
        return
    acted_on = _PART.get(key, _OBJECT[sequence.category])
    others = [
        candidate
        for candidate in bare
        if candidate[0].name != sequence.name and np.isin(candidate[2], acted_on).any()
    ]
    if not others:
        manifest.left_out['no image of the object in another sequence'] += 1
        return
    elsewhere = [candidate for candidate in others if _room(candidate[0]) != _room(sequence)]
    chosen = elsewhere or others
    target, frame, labels = chosen[number % len(chosen)]
    manifest.add(
        f'{sequence.name} in {manifest.path}',
        {'action': tasks[key], **region(PolygonMask.of_pixels(np.isin(labels, acted_on)))},
        id=sequence.name,
        clip=f'{sequence.below(manifest.root, RELEASE)}/align_rgb/image.mp4',
        target=f'{target.below(manifest.root, RELEASE)}/align_rgb/{frame}.jpg',
        target_size=list(labels.shape[::-1]),
        object=f'C{sequence.category}/N{sequence.instance}',
    )


def is_hoi4d(path: Path) -> bool:
    """Check whether a text file lists sequences, by the names of the files beside it."""
    return path.suffix == '.txt' and path.with_name(TASKS_FILE).is_file()


def _room(sequence: Sequence) -> str:
    """Return the room: `S125`."""
    return sequence.name.split('/')[4]


def _read_sequences(path: Path) -> list[Sequence]:
    """Read the sequences of a file, without duplicates."""
    sequences: dict[str, Sequence] = {}
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if line.strip():
            with naming(f'line {number} of {path}'):
                sequence = Sequence.of(line.strip().strip('/'))
                sequences[sequence.name] = sequence
    return list(sequences.values())


def _read_tasks(path: Path) -> Mapping[tuple[int, int], str]:
    """Read the names of tasks by the numbers of category and task; N/A means no task."""
    tasks = {}
    for row in csv.DictReader(io.StringIO(read_text(path), newline='')):
        with naming(f'a line of {path}'):
            category = int(row['Category ID'].removeprefix('C'))
            for number in range(1, 7):
                name = row[f'T{number}'].strip()
                if name != 'N/A':
                    tasks[category, number] = name
    return tasks
