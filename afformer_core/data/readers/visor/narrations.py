# SPDX-License-Identifier: Apache-2.0
"""The narrated actions in the annotation tables of EPIC-KITCHENS-100."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from afformer_core.data.annotation_files import naming, read_text
from afformer_core.errors import DatasetError

TABLES = ('EPIC_100_train.csv', 'EPIC_100_validation.csv')
VERBS = 'EPIC_100_verb_classes.csv'


@dataclass(frozen=True)
class NarratedAction:
    """One action in a video.

    Attributes:
        narration_id: its identifier.
        begin, end: its times in seconds.
        verb: class of its verb.
        nouns: classes of its nouns.

    Raises:
        ValueError: the action does not end after its start.
    """

    narration_id: str
    begin: float
    end: float
    verb: int
    nouns: frozenset[int]

    def __post_init__(self) -> None:
        if not 0 <= self.begin < self.end:
            raise ValueError(
                f'an action goes from {self.begin} s to {self.end} s; expected a later end'
            )


def read_narrations(folder: Path) -> Mapping[str, Sequence[NarratedAction]]:
    """Read the actions of each video, in the order of the tables.

    Args:
        folder: checkout of epic-kitchens-100-annotations, with one of `TABLES` or both.

    Raises:
        DatasetError: both tables are missing, or a line is malformed.
    """
    by_video: defaultdict[str, list[NarratedAction]] = defaultdict(list)
    tables = [folder / name for name in TABLES if (folder / name).is_file()]
    if not tables:
        raise DatasetError(
            f'{folder} has neither {" nor ".join(TABLES)}. Put the annotations of '
            'EPIC-KITCHENS-100 there'
        )
    for table in tables:
        for number, row in _rows(table):
            with naming(f'line {number} of {table}'):
                by_video[row['video_id']].append(
                    NarratedAction(
                        row['narration_id'],
                        _seconds(row['start_timestamp']),
                        _seconds(row['stop_timestamp']),
                        int(row['verb_class']),
                        frozenset(map(int, json.loads(row['all_noun_classes']))),
                    )
                )
    return by_video


def read_verbs(folder: Path) -> tuple[str, ...]:
    """Read the names of the verb classes, by their numbers.

    Raises:
        DatasetError: the table is missing, or its numbers are not 0, 1, 2, ...
    """
    path = folder / VERBS
    names: list[str] = []
    for number, row in _rows(path):
        with naming(f'line {number} of {path}'):
            if int(row['id']) != len(names):
                raise ValueError(f'id is {row["id"]}; expected {len(names)}')
            names.append(row['key'])
    return tuple(names)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.DictReader(io.StringIO(read_text(path), newline=''))
    for row in reader:
        yield reader.line_num, row


def _seconds(timestamp: str) -> float:
    """Convert `00:01:02.50` to 62.5."""
    hours, minutes, seconds = timestamp.split(':')
    return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
