# SPDX-License-Identifier: Apache-2.0
"""Pairs and their negatives, with and without scenes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.evaluation.pairs.pairs import (
    choose_pairs,
    demonstration_elsewhere,
    negative_groups,
)


@pytest.fixture
def samples(scenes):
    return list(open_annotations(scenes))


def test_all_pairs_of_a_scene_follow_one_another(samples):
    pairs = choose_pairs(samples[::2] + samples[1::2])
    scenes = [pair.sample.scene.scene_id for pair in pairs]
    assert scenes == sorted(scenes)
    assert len(pairs) == 6


def test_the_hard_negative_demonstration_is_of_another_element_of_the_same_scene(samples):
    for pair in choose_pairs(samples):
        assert pair.hard_negative.scene.scene_id == pair.sample.scene.scene_id
        assert pair.hard_negative.scene.element != pair.sample.scene.element


def test_no_negative_where_a_scene_shows_one_element(samples):
    (pair,) = choose_pairs(samples[:1])
    assert pair.hard_negative is None


def test_limit_counts_scenes_and_the_number_of_pairs_is_for_each(samples):
    assert len(choose_pairs(samples, limit=2)) == 4
    pairs = choose_pairs(samples, limit=2, per_group=1)
    assert [pair.sample.scene.scene_id for pair in pairs] == ['scene0', 'scene1']
    assert all(pair.hard_negative is not None for pair in pairs)


def test_seed_decides_the_draw(samples):
    draws = {
        tuple(pair.sample.sample_id for pair in choose_pairs(samples, per_group=1, seed=seed))
        for seed in range(10)
    }
    assert len(draws) > 1
    assert choose_pairs(samples, per_group=1, seed=4) == choose_pairs(samples, per_group=1, seed=4)


def test_refuses_a_negative_limit(samples):
    with pytest.raises(ValueError, match='limit is -1'):
        choose_pairs(samples, limit=-1)


def test_companions_show_the_same_element_in_the_same_image(samples):
    sample = samples[0]
    again = replace(sample, sample_id='again', video_path=Path('another_performance.mp4'))
    elsewhere = replace(again, sample_id='elsewhere', image_path=Path('another_view.jpg'))

    by_id = {
        pair.sample.sample_id: pair.companions
        for pair in choose_pairs([*samples, again, elsewhere])
    }

    assert by_id[sample.sample_id] == (again,)
    assert by_id['again'] == (sample,)
    assert by_id['elsewhere'] == ()


# The diagonal of 80x60 is 100 pixels; a tenth of it is 10.
SIZE = (80, 60)


def sample(clip, x, image='cup/0.jpg', size=SIZE, object_id=None):
    points = np.array([[x - 1.0, 30.0], [x + 1.0, 30.0]])
    return Sample(
        f'{image} {clip}', Path(clip), Path(image), size, (0,), (points,), object_id=object_id
    )


def test_a_tenth_is_not_yet_elsewhere():
    own = sample('cup/a.mp4', 20)
    # The other's points are 1 to the left and right of it, the nearest of the own ones at 21.
    at_ten, beyond = sample('cup/b.mp4', 31), sample('cup/c.mp4', 31.5)
    assert demonstration_elsewhere(own, [own, at_ten]) is None
    assert demonstration_elsewhere(own, [own, beyond]) is beyond


def test_the_same_demonstration_is_never_another_one():
    own = sample('cup/a.mp4', 20)
    assert demonstration_elsewhere(own, [own, sample('cup/a.mp4', 60)]) is None


def test_annotations_of_two_sizes_are_compared_in_one():
    own, twice = sample('cup/a.mp4', 20), sample('cup/b.mp4', 40, size=(160, 60))
    assert demonstration_elsewhere(own, [own, twice]) is None


def test_the_next_one_by_name_is_taken_and_after_the_last_the_first():
    group = [sample(f'cup/{name}.mp4', x) for name, x in zip('dbca', (20, 60) * 2, strict=True)]
    chosen = [demonstration_elsewhere(each, group).video_path.stem for each in group]
    assert chosen == ['a', 'c', 'a', 'c']


@pytest.mark.parametrize(
    ('groups', 'expected'),
    [
        # The next group of another folder.
        (('cup/a.mp4 cup/0.jpg', 'cup/b.mp4 cup/1.jpg', 'jug/c.mp4 jug/0.jpg'), [2, 2, 0]),
        # In one folder, a group without a shared clip.
        (('a.mp4 0.jpg', 'a.mp4 1.jpg, b.mp4 1.jpg', 'c.mp4 2.jpg'), [2, 2, 0]),
        # None of the same object.
        (('cup/a.mp4 cup/0.jpg cup', 'cup/more/b.mp4 cup/1.jpg cup'), [None, None]),
        (
            ('cup/a.mp4 cup/0.jpg cup', 'cup/more/b.mp4 cup/1.jpg cup', 'jug/c.mp4 jug/0.jpg jug'),
            [2, 2, 0],
        ),
        (('a.mp4 cup/0.jpg',), [None]),
    ],
)
def test_a_negative_group_is_of_another_object(groups, expected):
    """Samples of a group are given as clip, image and object."""
    made = []
    for group in groups:
        named = [[*each.split(), None] for each in group.split(', ')]
        made.append([sample(clip, 20, image, object_id=known) for clip, image, known, *_ in named])
    assert negative_groups(made) == [[] if each is None else made[each] for each in expected]


def test_pairs_of_an_image_have_negative_demonstrations_in_turn():
    samples = [sample(f'cup/{number}.mp4', 20, 'cup/0.jpg') for number in range(3)]
    samples += [sample(f'jug/{number}.mp4', 20, 'jug/0.jpg') for number in range(2)]
    pairs = choose_pairs(samples)
    assert [pair.negative.video_path.stem for pair in pairs] == ['0', '1', '0', '0', '1']
    assert [pair.negative.video_path.parent.name for pair in pairs] == ['jug'] * 3 + ['cup'] * 2
