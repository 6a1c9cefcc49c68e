# SPDX-License-Identifier: Apache-2.0
"""The benchmark's splits: what training sees is in no test that claims otherwise."""

from itertools import combinations

import pytest

from afformer_sim.bodies.seeds import scene_seed
from afformer_sim.families import FAMILIES
from afformer_sim.scene.scene_settings import SPLITS, split_named

TESTS = [name for name in SPLITS if name.startswith('test-')]


@pytest.mark.parametrize('name', ['test-unseen', 'test-buttons'])
def test_training_and_validation_show_no_family_of_the_unseen_tests(name: str) -> None:
    for shown in ('train', 'validation'):
        assert not set(SPLITS[name].families) & set(SPLITS[shown].families)


def test_every_family_is_in_training_or_in_one_unseen_test() -> None:
    names = ('train', 'test-unseen', 'test-buttons')
    assert sorted(family for name in names for family in SPLITS[name].families) == sorted(FAMILIES)
    for name in ('validation', 'test-seen', 'test-absent'):
        assert SPLITS[name].families == SPLITS['train'].families


def test_tests_show_textures_that_training_and_validation_never_do() -> None:
    assert {name: split.held_out for name, split in SPLITS.items()} == {
        'train': False,
        'validation': False,
        **dict.fromkeys(TESTS, True),
    }


def test_no_two_splits_share_a_scene() -> None:
    scenes = {
        name: {scene_seed(split.seed, index) for index in range(2000)}
        for name, split in [*SPLITS.items(), ('another', split_named('another'))]
    }
    for one, other in combinations(scenes.values(), 2):
        assert not one & other


def test_any_other_split_is_like_the_seen_test_with_a_seed_of_its_own() -> None:
    other = split_named('mine')
    assert (other.families, other.held_out) == (SPLITS['test-seen'].families, True)
    assert other.seed not in {split.seed for split in SPLITS.values()}
    assert split_named('train') is SPLITS['train']
