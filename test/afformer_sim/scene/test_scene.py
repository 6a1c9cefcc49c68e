# SPDX-License-Identifier: Apache-2.0
"""Scenes by their seeds and colours, the splits of a dataset, and the renderer of scenes."""

from __future__ import annotations

import numpy as np

from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.seeds import scene_seed
from afformer_sim.bodies.solid import Solid, at
from afformer_sim.families import FAMILIES
from afformer_sim.scene.renderer import Renderer
from afformer_sim.scene.scene import SPLITS, Scene, split_named
from afformer_sim.scene.view import plan_target, render_views

SEED = scene_seed(2, 3)


def solids(fixture: Fixture) -> list[Solid]:
    return [*fixture.fixed, *(solid for each in fixture.elements for solid in each.solids)]


def shown(scene: Scene) -> np.ndarray:
    with Renderer(scene, (96, 64)) as renderer:
        return render_views(scene, [plan_target(scene, 0, size=(96, 64))], renderer)[0]


def test_held_out_textures_change_the_image_but_not_the_fixture() -> None:
    scenes = [Scene(SEED, held_out=held_out) for held_out in (False, True)]
    usual, held_out = map(shown, scenes)
    sizes = [[solid.size for solid in solids(scene.fixture)] for scene in scenes]
    assert sizes[0] == sizes[1]
    assert (usual != held_out).any()


def test_every_family_is_in_training_or_in_one_unseen_test() -> None:
    names = ('train', 'test-unseen', 'test-buttons')
    assert sorted(family for name in names for family in SPLITS[name].families) == sorted(FAMILIES)
    for name in ('validation', 'test-seen', 'test-absent'):
        assert SPLITS[name].families == SPLITS['train'].families


def test_any_split_has_a_seed_of_its_own_and_others_are_like_the_seen_test() -> None:
    other = split_named('mine')
    assert (other.families, other.held_out) == (SPLITS['test-seen'].families, True)
    assert len({other.seed, *(split.seed for split in SPLITS.values())}) == len(SPLITS) + 1
    assert split_named('train') is SPLITS['train']


SCENE = Scene(scene_seed(2, 3))
SIZE = (96, 72)


def test_a_displaced_element_is_elsewhere_and_back_afterwards() -> None:
    camera = plan_target(SCENE, 0, size=SIZE).camera
    with Renderer(SCENE, SIZE) as renderer:
        before = renderer.segment(camera, SIZE)
        # through the back of the fixture
        without = renderer.segment(camera, SIZE, states={1: at(0, 0, -3)})
        after = renderer.segment(camera, SIZE)
    assert (before == 1).any()
    assert not (without == 1).any()
    np.testing.assert_array_equal(after, before)


def test_a_second_renderer_does_not_change_what_the_first_shows() -> None:
    camera = plan_target(SCENE, 0, size=SIZE).camera
    with Renderer(SCENE, SIZE) as first:
        before = first.render(camera, SIZE)
        with Renderer(Scene(5, 'mugs'), (48, 48)) as second:
            second.render(plan_target(Scene(5, 'mugs'), 0, size=(48, 48)).camera, (48, 48))
        np.testing.assert_array_equal(first.render(camera, SIZE), before)
