# SPDX-License-Identifier: Apache-2.0
"""On annotations alone, without scenes."""

from pathlib import Path

import numpy as np

from afformer_core.offline.data.sample import Sample
from afformer_core.offline.evaluation.pairs.negative_demonstrations import (
    demonstration_elsewhere,
    negative_groups,
)
from afformer_core.offline.evaluation.pairs.pairs import choose_pairs

# The diagonal of 80x60 is 100 pixels; a tenth of it is 10.
SIZE = (80, 60)


def sample(clip, x, image='cup/0.jpg', size=SIZE, object_id=None):
    points = np.array([[x - 1.0, 30.0], [x + 1.0, 30.0]])
    return Sample(
        f'{image} {clip}', Path(clip), Path(image), size, (0,), (points,), object_id=object_id
    )


def test_elsewhere_is_a_tenth_of_the_diagonal_away():
    own = sample('cup/a.mp4', 20)
    near, far = sample('cup/b.mp4', 28), sample('cup/c.mp4', 40)
    assert demonstration_elsewhere(own, [own, near]) is None
    assert demonstration_elsewhere(own, [own, near, far]) is far


def test_a_tenth_is_not_yet_elsewhere():
    own = sample('cup/a.mp4', 20)
    # The other's points are 1 to the left and right of it, the nearest of the own ones at 21.
    at_ten, beyond = sample('cup/b.mp4', 31), sample('cup/c.mp4', 31.5)
    assert demonstration_elsewhere(own, [own, at_ten]) is None
    assert demonstration_elsewhere(own, [own, beyond]) is beyond


def test_the_same_demonstration_is_never_another_one():
    own = sample('cup/a.mp4', 20)
    again = sample('cup/a.mp4', 60)
    assert demonstration_elsewhere(own, [own, again]) is None


def test_annotations_of_two_sizes_are_compared_in_one():
    own, twice = sample('cup/a.mp4', 20), sample('cup/b.mp4', 40, size=(160, 60))
    assert demonstration_elsewhere(own, [own, twice]) is None


def test_the_next_one_by_name_is_taken_and_after_the_last_the_first():
    group = [sample(f'cup/{name}.mp4', x) for name, x in zip('dbca', (20, 60) * 2, strict=True)]
    chosen = [demonstration_elsewhere(each, group).video_path.stem for each in group]
    assert chosen == ['a', 'c', 'a', 'c']


def test_negative_is_the_next_group_of_another_folder():
    groups = [
        [sample('cup/a.mp4', 20, 'cup/0.jpg')],
        [sample('cup/b.mp4', 20, 'cup/1.jpg')],
        [sample('jug/c.mp4', 20, 'jug/0.jpg')],
    ]
    found = negative_groups(groups)
    assert [each[0].image_path.name for each in found] == ['0.jpg', '0.jpg', '0.jpg']
    assert [each[0].image_path.parent.name for each in found] == ['jug', 'jug', 'cup']


def test_in_one_folder_a_group_without_a_shared_clip_is_negative():
    groups = [
        [sample('a.mp4', 20, '0.jpg')],
        [sample('a.mp4', 20, '1.jpg'), sample('b.mp4', 20, '1.jpg')],
        [sample('c.mp4', 20, '2.jpg')],
    ]
    assert [each[0].image_path.name for each in negative_groups(groups)] == [
        '2.jpg', '2.jpg', '0.jpg',
    ]  # fmt: skip


def test_no_group_of_the_same_object_is_negative():
    groups = [
        [sample('cup/a.mp4', 20, 'cup/0.jpg', object_id='cup')],
        [sample('cup/more/b.mp4', 20, 'cup/1.jpg', object_id='cup')],
    ]
    assert negative_groups(groups) == [[], []]
    groups.append([sample('jug/c.mp4', 20, 'jug/0.jpg', object_id='jug')])
    assert negative_groups(groups) == [groups[2], groups[2], groups[0]]


def test_no_group_is_negative_to_the_only_one():
    assert negative_groups([[sample('a.mp4', 20)]]) == [[]]


def test_pairs_of_an_image_have_negative_demonstrations_in_turn():
    samples = [sample(f'cup/{number}.mp4', 20, 'cup/0.jpg') for number in range(3)]
    samples += [sample(f'jug/{number}.mp4', 20, 'jug/0.jpg') for number in range(2)]
    pairs = choose_pairs(samples)
    assert [pair.negative.video_path.stem for pair in pairs] == ['0', '1', '0', '0', '1']
    assert [pair.negative.video_path.parent.name for pair in pairs] == ['jug'] * 3 + ['cup'] * 2
