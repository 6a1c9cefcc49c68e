# SPDX-License-Identifier: Apache-2.0
"""Points of own pairs that several people mark at once."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from afformer_core.media.polygons import Point
from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.data.readers.folder_pairs import PointRow
from afformer_core.studio.labelling.point_labels import PointLabels, nearest_point


@pytest.fixture
def folder(tmp_path: Path, pairs: Path) -> Path:
    """A copy of `pairs`."""
    return Path(shutil.copytree(pairs, tmp_path / 'copy', ignore=lambda *_: ['points.csv']))


def add(labels: PointLabels, number: int, action: str, *points: Point) -> tuple[PointRow, ...]:
    pair = labels.pairs[number]
    rows = tuple(pair.row(action, point) for point in points)
    labels.replace(pair, (), rows)
    return rows


def test_points_are_what_training_reads(folder: Path) -> None:
    labels = PointLabels(folder)
    add(labels, 0, 'press', (10.126, 20))
    add(labels, 1, 'turn', (1, 2))

    samples = list(open_annotations(folder))

    assert labels.action_names == ('press', 'turn', 'pull')
    assert [sample.image_path.name for sample in samples] == ['attic.png', 'bath.png']
    assert samples[0].points[0].tolist() == [[10.13, 20]]
    assert [row.x for row in labels.rows(labels.pairs[1])] == [1]


def test_an_action_keeps_its_key_whatever_is_marked(folder: Path) -> None:
    known = ('hold', 'push', 'pull')
    assert PointLabels(folder).keyed_actions(known) == ('press', 'turn', 'pull')
    (folder / 'actions.txt').unlink()
    labels = PointLabels(folder)
    add(labels, 0, 'aim', (10, 20))
    labels.reload()
    assert labels.action_names == ('aim',)
    assert labels.keyed_actions(known) == known


@pytest.mark.parametrize('point', [(64, 48.2), (63.999, 47.999), (-1, 0.001)])
def test_a_click_at_the_border_is_inside_of_the_image(point: tuple[float, float]) -> None:
    x, y = (round(value, 2) for value in nearest_point(point, (64, 48)))

    assert 0 <= x < 64
    assert 0 <= y < 48


def test_two_people_lose_no_point_of_each_other(folder: Path) -> None:
    people = PointLabels(folder), PointLabels(folder)

    def mark(number: int) -> None:
        add(people[number % 2], 0, 'press', (number, 5))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(mark, range(40)))

    assert sorted(row.x for row in people[0].rows(people[0].pairs[0])) == list(range(40))


def test_a_table_that_is_written_in_the_same_second_is_read_again(folder: Path) -> None:
    labels = PointLabels(folder)
    pair = labels.pairs[0]
    add(labels, 0, 'press', (10, 20))
    os.utime(pair.table, ns=(0, 1_700_000_000_100_000_000))
    assert [row.x for row in labels.rows(pair)] == [10]

    # In place, as some editors write, with as many bytes.
    content = pair.table.read_text()
    with pair.table.open('r+') as file:
        file.write(content.replace('10', '37'))
    os.utime(pair.table, ns=(0, 1_700_000_000_900_000_000))

    assert [row.x for row in labels.rows(pair)] == [37]


def test_the_last_point_is_removed_with_its_table(folder: Path) -> None:
    labels = PointLabels(folder)
    pair = labels.pairs[0]
    rows = add(labels, 0, 'press', (10, 20))

    labels.replace(pair, rows, ())
    labels.replace(pair, rows, ())

    assert labels.rows(pair) == ()
    assert sorted(path.name for path in (folder / 'cup').iterdir()) == ['demonstrations', 'images']


def test_a_point_that_is_there_is_refused(folder: Path) -> None:
    labels = PointLabels(folder)
    add(labels, 0, 'press', (10, 20))

    with pytest.raises(ValueError, match=r'\(10, 20\) is marked already'):
        add(labels, 0, 'press', (30, 20), (10.001, 20))
    assert len(labels.rows(labels.pairs[0])) == 1


def test_a_point_is_moved_once(folder: Path) -> None:
    labels = PointLabels(folder)
    pair = labels.pairs[0]
    row, other = add(labels, 0, 'press', (10, 20), (30, 20))
    moved = pair.row('press', (12.346, 21))

    labels.replace(pair, [row], [moved])

    assert [(row.action, row.x, row.y) for row in labels.rows(pair)] == [
        ('press', 30, 20),
        ('press', 12.35, 21),
    ]
    with pytest.raises(ValueError, match='the point has been removed in the meantime'):
        labels.replace(pair, [row], [pair.row('press', (50, 20))])
    with pytest.raises(ValueError, match=r'\(12.35, 21\) is marked already'):
        labels.replace(pair, [other], [moved])
    assert len(labels.rows(pair)) == 2


# Adds points and says so after each, until it is killed.
_MARK = """
import itertools, sys
from pathlib import Path
from afformer_core.studio.labelling.point_labels import PointLabels
labels = PointLabels(Path(sys.argv[1]))
for number in itertools.count():
    labels.replace(labels.pairs[0], (), [labels.pairs[0].row('press', (number, 5))])
    print(number, flush=True)
"""


def test_a_server_that_is_killed_loses_no_point_that_was_told(folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, '-c', _MARK, str(folder)], stdout=subprocess.PIPE, text=True
    ) as marking:
        assert marking.stdout is not None
        marking.stdout.readline()
        time.sleep(0.2)
        marking.send_signal(signal.SIGKILL)
        told = 1 + sum(1 for _ in marking.stdout)
    (folder / 'cup/.points.csv.half_row').write_text('demonstration,ima')
    # Of an editor.
    (folder / 'cup/.points.csv.swp').touch()

    labels = PointLabels(folder)
    marked = [row.x for row in labels.rows(labels.pairs[0])]
    assert marked[:told] == list(range(told))
    assert len(marked) - told in (0, 1)
    add(labels, 0, 'press', (7, 50))
    names = sorted(path.name for path in (folder / 'cup').iterdir())
    assert names == ['.points.csv.swp', 'demonstrations', 'images', 'points.csv']
