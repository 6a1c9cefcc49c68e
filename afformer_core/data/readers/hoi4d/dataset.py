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
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.data.annotated_dataset import AnnotatedDataset, naming, read_text
from afformer_core.data.polygon_mask import PolygonMask
from afformer_core.data.readers.hoi4d.sequence import RELEASE, Sequence
from afformer_core.data.sample import Sample
from afformer_core.errors import DatasetError
from afformer_core.licences import Origin

HOI4D_ORIGIN = Origin('HOI4D', 'CC-BY-NC-4.0')
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


class Hoi4dDataset(AnnotatedDataset):
    """Sequences of tasks, each with an image of the same object in another sequence.

    The demonstration is a whole sequence, 20 s. The target image is a frame at the start of
    another sequence of the same object, without hands, whose mask shows the operated part. Several
    demonstrations of an object use such sequences in turn, starting with those in another room.
    The actions are the names of the tasks. Sequences without masks are not used as targets.
    Samples are in the order of the file. Masks are read when the dataset is opened.

    Args:
        annotations: `release.txt`, or part of it.
        root: folder of the files above; None for the folder of `release.txt`.

    Attributes:
        left_out: number of sequences without a sample, by reason.

    Raises:
        DatasetError: a file is missing or malformed, or there is no sample.
    """

    def __init__(self, annotations: Path | str, root: Path | str | None = None) -> None:
        path = Path(annotations)
        folder = path.parent if root is None else Path(root)
        tasks = _read_tasks(folder / TASKS_FILE)
        super().__init__(path, folder, tuple(sorted(set(tasks.values()))))
        self.left_out: Counter[str] = Counter()
        sequences = _read_sequences(path)
        objects: defaultdict[tuple[int, int], list[Sequence]] = defaultdict(list)
        for sequence in sequences:
            objects[sequence.category, sequence.instance].append(sequence)
        samples: dict[str, Sample] = {}
        for same in objects.values():
            bare = [
                (sequence, *found)
                for sequence in same
                if (found := sequence.first_without_hands(folder)) is not None
            ]
            for number, sequence in enumerate(same):
                sample = self._sample(sequence, number, bare, tasks)
                if sample is not None:
                    samples[sequence.name] = sample
        self._samples = [samples[each.name] for each in sequences if each.name in samples]
        if not self._samples:
            raise DatasetError(
                f'{path} gives 0 samples; expected at least 1. Its sequences: '
                f'{dict(self.left_out)}'
            )

    def _sample(
        self,
        sequence: Sequence,
        number: int,
        bare: list[Bare],
        tasks: Mapping[tuple[int, int], str],
    ) -> Sample | None:
        key = sequence.category, sequence.task
        if key not in tasks or sequence.category not in _OBJECT:
            self.left_out['unknown task'] += 1
            return None
        acted_on = _PART.get(key, _OBJECT[sequence.category])
        others = [
            each
            for each in bare
            if each[0].name != sequence.name and np.isin(each[2], acted_on).any()
        ]
        elsewhere = [each for each in others if _room(each[0]) != _room(sequence)]
        if not others:
            self.left_out['no image of the object in another sequence'] += 1
            return None
        chosen = elsewhere or others
        target, frame, labels = chosen[number % len(chosen)]
        mask = PolygonMask.of_pixels(np.isin(labels, acted_on))
        size = (labels.shape[1], labels.shape[0])
        return Sample(
            sample_id=sequence.name,
            video_path=sequence.folder(self.root, RELEASE) / 'align_rgb/image.mp4',
            image_path=target.folder(self.root, RELEASE) / f'align_rgb/{frame}.jpg',
            image_size=size,
            actions=(self.action_names.index(tasks[key]),),
            points=(mask.even_points(size),),
            object_id=f'C{sequence.category}/N{sequence.instance}',
            masks=(mask,),
            origin=HOI4D_ORIGIN,
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
