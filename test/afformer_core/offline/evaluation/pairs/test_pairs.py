# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from pathlib import Path

import pytest

from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.evaluation.pairs.pairs import choose_pairs


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
